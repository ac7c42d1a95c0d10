//! Ways to write a number so that it is not seen. Those that work are here as well: they are documented.

use crate::redact::redact;

const CARD: &str = "4111111111111111";

/// The groups of a card number with something between them.
fn joined(between: &str) -> String {
    ["4111", "1111", "1111", "1111"].join(between)
}

#[track_caller]
fn covered(text: &str) {
    let after = redact(text);
    assert!(after.contains('█'), "{text:?}");
    assert_eq!(after.chars().count(), text.chars().count());
}

#[test]
fn digits_of_other_scripts_are_digits() {
    for (before, after) in [
        ("４１１１１１１１１１１１１１１１", "４１１１１１██████１１１１"),
        ("٤١١١١١١١١١١١١١١١", "٤١١١١١██████١١١١"),
        ("४१११११११११११११११", "४१११११██████११११"),
        ("𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏", "𝟒𝟏𝟏𝟏𝟏𝟏██████𝟏𝟏𝟏𝟏"),
        ("4١११111１1111１111", "4١११11██████１111"),
    ] {
        assert_eq!(redact(before), after);
    }
}

#[test]
fn noise_of_every_kind_is_seen_through() {
    for between in [
        "\n",
        "\r\n",
        "\t",
        "\u{a0}",
        "\u{ad}",
        "\u{2002}",
        "\u{2009}",
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{202e}",
        "\u{202f}",
        "\u{2060}",
        "\u{3000}",
        "\u{feff}",
        "‐",
        "‑",
        "–",
        "—",
        "−",
        "－",
        "ー",
        "·",
        "•",
        "．",
        ",",
        ";",
        ":",
        "|",
        "\\",
        "*",
        "_",
        "~",
        "+",
        " + ",
        "=",
        "#",
        "/",
        "'",
        "\"",
        ")(",
        "] [",
        "\u{3164}",
        "\u{fe0f}\u{20e3}",
        "😀",
        "\0",
        "<>",
        " - ",
    ] {
        covered(&joined(between));
        let single: Vec<_> = CARD.split("").filter(|digit| !digit.is_empty()).collect();
        covered(&single.join(between));
    }
}

#[test]
fn five_noise_characters_are_seen_through_and_six_are_not() {
    covered(&joined("     "));
    covered(&joined("\u{200b}-\u{200b}-\u{200b}"));
    for text in [joined("      "), joined("\u{200b}-\u{200b}-\u{200b}-")] {
        assert_eq!(redact(&text), text);
    }
}

#[test]
fn digits_around_a_number_do_not_hide_it() {
    for (before, after) in [
        ("900004111111111111111", "90000411111██████1111"),
        ("14111111111111111", "1411111██████1111"),
        ("41111111111111111227", "411111██████11111227"),
        ("9994111111111111111999", "999411111██████1111999"),
        ("12344111 1111 1111 1111", "12344111 11██ ████ 1111"),
        ("4111-1111-1111-11111227", "4111-11██-████-11111227"),
        ("93782 822463 100059", "93782 82████ █00059"),
        ("94 1 1 1 1 1 1 1 1 1 1 1 1 1 1 19", "94 1 1 1 1 1 █ █ █ █ █ █ 1 1 1 19"),
        ("order 10423 4111 1111 1111 1111 1227", "order 10423 4111 11██ ████ 1111 1227"),
    ] {
        assert_eq!(redact(before), after);
    }
}

#[test]
fn a_decoy_that_overlaps_does_not_hide_a_number() {
    // Its last four digits, which stay, are the number's first four.
    assert_eq!(redact("501800074111"), "501800██4111");
    assert_eq!(redact("5018 0007 4111 1111 1111 1111"), "5018 00██ 4111 11██ ████ 1111");
    assert_eq!(redact("501800074111111111111111"), "50180007411111██████1111");
}

#[test]
fn covers_written_by_the_sender_hide_nothing() {
    for cover in ["█", "▇", "██████"] {
        let text = format!("{cover}{CARD}{cover}");
        assert_eq!(redact(&text), format!("{cover}411111██████1111{cover}"));
    }
}

#[test]
fn a_plus_hides_no_number_of_sixteen_digits() {
    for (before, after) in [
        ("+4111111111111111", "+411111██████1111"),
        ("+4111 1111 1111 1111", "+4111 11██ ████ 1111"),
        ("+49 30 1234567 4111 1111 1111 1111", "+49 30 1234567 4111 11██ ████ 1111"),
        ("4111+1111+1111+1111", "4111+11██+████+1111"),
        ("n+4222222222222", "n+422222███2222"),
        ("1+4222222222222", "1+422222███2222"),
        ("+ 4222222222222", "+ 422222███2222"),
    ] {
        assert_eq!(redact(before), after);
    }
}

#[test]
fn a_url_hides_only_what_lies_whole_in_it() {
    for (before, after) in [
        ("https://a.example/ 4111111111111111", "https://a.example/ 411111██████1111"),
        ("https://a.example/,4111111111111111", "https://a.example/,411111██████1111"),
        ("<a href='https://a.example/'>4111111111111111", "<a href='https://a.example/'>411111██████1111"),
        ("https://a/4111 1111 1111 1111", "https://a/4111 11██ ████ 1111"),
        ("4111 1111 1111 1111 http://a/1", "4111 11██ ████ 1111 http://a/1"),
        ("//4111111111111111", "//411111██████1111"),
        ("www.a.example/4111111111111111", "www.a.example/411111██████1111"),
        ("4://4111111111111111", "4://411111██████1111"),
        ("https:/4111111111111111", "https:/411111██████1111"),
    ] {
        assert_eq!(redact(before), after);
    }
}

#[test]
fn what_is_documented_as_missed_is_missed() {
    for text in [
        "4111x1111x1111x1111",
        "four 1 1 1 1111 1111 1111",
        "%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31",
        "①②③④ 4111 ¹¹¹¹ 1111 1111",
        // A rare length, stuck to another digit or oddly written.
        "1501800000009",
        "50-180000-0009",
    ] {
        assert_eq!(redact(text), text);
    }
}
