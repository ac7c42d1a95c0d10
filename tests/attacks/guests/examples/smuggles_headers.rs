//! tries: to end a header's line and begin another request: CR, LF, null, colons, folded lines, letters that turn into them
//! stands-for: MNT-5, INT-2
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! limit: http-requests=100
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    for (name, value) in [
        ("x-a", "1\r\nx-evil: 1"),
        ("x-a", "1\nx-evil: 1"),
        ("x-a", "1\rx-evil: 1"),
        ("x-a", "1\r\n\r\nGET /v1/evil HTTP/1.1\r\nhost: x\r\n\r\n"),
        ("x-a", "1\r\n x-evil"),
        ("x-a", "1\r\n\tfolded"),
        ("x-a", "\0"),
        ("x-a", "a\u{b}b"),
        ("x-a", "\u{10a}x-evil: 1"),
        ("x-a", "\u{560d}\u{560a}x-evil: 1"),
        ("x-a", "\u{85}x-evil: 1"),
        ("x-a", "\u{2028}x-evil: 1"),
        ("x-a", "a\u{7f}"),
        ("x-evil: 1\r\nx-a", "1"),
        ("x-evil:", "1"),
        ("x evil", "1"),
        ("x-evil\t", "1"),
        ("", "1"),
        (":authority", "evil.example.test"),
        (":path", "/v1/evil"),
        ("x-evil\0", "1"),
        ("x\u{2d}evil\u{a0}", "1"),
        ("x-ev\u{131}l", "1"),
        ("\"x\"", "1"),
        ("x(evil)", "1"),
    ] {
        invalid(
            &format!("{name:?}: {value:?}"),
            send("GET", "https://api.example.test/v1/smuggled", &[(name, value)]),
        )?;
    }
    Ok(())
});
