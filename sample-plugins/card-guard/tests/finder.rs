//! What the finder takes for a card number, and what not.

use card_guard::finder::{BLOCK, covered, find};

/// The text with its card numbers covered.
fn cover(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for middle in find(text).middles {
        chars[middle.start as usize..middle.end as usize].fill(BLOCK);
    }
    chars.into_iter().collect()
}

#[test]
fn the_first_six_and_last_four_digits_are_left() {
    for (text, expected) in [
        ("Hello 4111111111111111 there", "Hello 411111▇▇▇▇▇▇1111 there"),
        ("4111 1111 1111 1111", "4111 11▇▇ ▇▇▇▇ 1111"),
        ("4111-1111-1111-1111.", "4111-11▇▇-▇▇▇▇-1111."),
        ("4111 - - 1111.1111_1111", "4111 - - 11▇▇.▇▇▇▇_1111"),
        ("Amex 3782 822463 10005", "Amex 3782 82▇▇▇▇ ▇0005"),
        ("card:4222222222222,", "card:422222▇▇▇2222,"),
        ("maestro 630400000000", "maestro 630400▇▇0000"),
        ("４１１１１１１１１１１１１１１１", "４１１１１１▇▇▇▇▇▇１１１１"),
        ("٤١١١ ١١١١ ١١١١ ١١١١", "٤١١١ ١١▇▇ ▇▇▇▇ ١١١١"),
        ("४१११११११११११११११", "४१११११▇▇▇▇▇▇११११"),
        ("4111\u{200b}1111\u{a0}1111\u{2013}1111", "4111\u{200b}11▇▇\u{a0}▇▇▇▇\u{2013}1111"),
        ("x4111111111111111y", "x411111▇▇▇▇▇▇1111y"),
        ("4111+1111+1111+1111", "4111+11▇▇+▇▇▇▇+1111"),
    ] {
        assert_eq!(cover(text), expected);
    }
}

#[test]
fn two_numbers_side_by_side_are_two() {
    let text = "4111 1111 1111 1111 5555 5555 5555 4444";
    assert_eq!(cover(text), "4111 11▇▇ ▇▇▇▇ 1111 5555 55▇▇ ▇▇▇▇ 4444");
    assert_eq!(find(text).numbers, 2);
    assert_eq!(find("4111111111111111, 378282246310005 and 4111111111111111").numbers, 3);
}

#[test]
fn overlapping_candidates_are_all_covered() {
    // 5005 4111 1111 1111 is a Maestro number of its own: taking only that would leave 8 digits in a row of the other.
    let text = "5005 4111 1111 1111 1111";
    assert_eq!(cover(text), "5005 41▇▇ ▇▇▇▇ ▇▇▇▇ 1111");
}

#[test]
fn other_numbers_are_left_alone() {
    for text in [
        "",
        "no digits at all",
        "order 4111111111111112",
        "24 digits 941111111111111111115555",
        "https://shop.example/orders/4111111111111111?page=2",
        "see www.shop.example/4111111111111111",
        "call +4111111111111111",
        "call +49 170 4111 1111 11",
        "4111      1111 1111 1111",
        "4111 1111\n1111 1111",
        "4111,1111,1111,1111",
        "2026-11-02 09:30:00 and 2026-11-02 09:31:00",
        "192.168.100.200",
    ] {
        assert_eq!(find(text).numbers, 0, "{text}");
        assert_eq!(cover(text), text);
    }
}

#[test]
fn a_number_after_a_url_or_a_telephone_number_is_found() {
    for text in [
        "https://shop.example 4111111111111111",
        "(https://shop.example/1)4111111111111111",
        "4111111111111111://",
        "+49 170 1234567 4111 1111 1111 1111",
        "+1 4111111111111111",
    ] {
        assert_eq!(find(text).numbers, 1, "{text}");
    }
}

#[test]
fn covered_numbers_are_counted() {
    for (text, numbers) in
        [("none", 0), ("4111 11▇▇ ▇▇▇▇ 1111", 1), ("411111▇▇▇▇▇▇1111 411111▇▇▇▇▇▇1111", 2), ("3782 82▇▇▇▇ ▇0005", 1)]
    {
        assert_eq!(covered(text), numbers, "{text}");
    }
}

#[test]
fn a_comment_of_the_greatest_size_is_quick() {
    for text in ["5 4 6 3 ".repeat(8 * 1024), "4".repeat(64 * 1024), "4111111111111111 ".repeat(3840)] {
        assert_eq!(cover(&text).chars().count(), text.len());
    }
}
