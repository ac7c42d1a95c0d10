//! tries: to name a granted host and mean another: letters that look the same, that vanish, that turn into dots
//! stands-for: INT-2, MNT-5
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    for host in [
        "\u{430}pi.example.test",
        "api.ex\u{430}mple.test",
        "ap\u{131}.example.test",
        "api.example.te\u{455}t",
        "xn--pi-7kc.example.test",
        "api.example.test.",
        "api.example.test..",
        "xn--.example.test",
        "xn--a.example.test",
        "xn--api.example.test",
        "api\u{2024}example.test",
        "api.example.test\u{2100}",
        "\u{202e}api.example.test",
        "api.example.test\u{301}",
        "api-.example.test",
        "-api.example.test",
        "api_.example.test",
    ] {
        let url = format!("https://{host}/v1/x");
        match send("GET", &url, &[]) {
            // A last dot names the same host.
            Ok(_) => must(host == "api.example.test.", format!("{url} was sent"))?,
            Err(error) => refused::<()>(&url, Err(error))?,
        }
    }
    // These are other spellings of the granted name by the rules of names, and mean nothing else.
    for host in [
        "API.Example.TEST",
        "api\u{3002}example\u{3002}test",
        "\u{ff41}pi.example.test",
        "ap\u{ad}i.example.test",
        "api.example.test:443",
    ] {
        let answer = send("GET", &format!("https://{host}/v1/same"), &[]);
        must(!matches!(answer, Err(Error::Unavailable)), format!("MISSED: {host}: {answer:?}"))?;
    }
    Ok(())
});
