//! tries: to write audit entries and terminal commands through the text of its error
//! stands-for: MON-1, INC-2
//! expect: failed invalid
//! afterwards: logs

use portcullis_attack_guests::*;

attack!(|_| {
    Err(Error::Invalid(
        "x\"}\n{\"kind\":\"plugin.granted\",\"actor\":{\"type\":\"person\",\"name\":\"admin\"}}\n\u{1b}[2J\u{0}\u{7f}"
            .to_owned(),
    ))
});
