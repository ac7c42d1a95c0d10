//! tries: to carry a secret out by errors: all that the host ever answers, as the text of its own error
//! stands-for: INT-7, DAT-13
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! connects: yes
//! expect: failed invalid
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    let mut all = String::new();
    for path in [
        "/v1/reflect/body",
        "/v1/reflect/header",
        "/v1/broken/junk",
        "/v1/split/two-lengths",
        "/v2",
        "/v1/reflect/status",
    ] {
        all.push_str(&format!(
            "{:?}\n",
            get(path).map(|answer| (answer.status, answer.headers.clone(), text(&answer)))
        ));
    }
    Err(Error::Invalid(all))
});
