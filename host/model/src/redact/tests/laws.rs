//! Laws that hold for every text, on texts that are rich in numbers, near-numbers and what surrounds them.

use proptest::prelude::*;

use super::reference;
use crate::redact::{ByteRedactor, COVER, HELD_BYTES, Redactor, mark::Mark, redact};

/// A card number of some brand.
fn card() -> impl Strategy<Value = String> + Clone {
    prop_oneof![2 => common_card(), 1 => rare_card()]
}

/// A card number of a length that its brand commonly has.
fn common_card() -> impl Strategy<Value = String> + Clone {
    card_of(&COMMON)
}

/// A card number of another length of its brand.
fn rare_card() -> impl Strategy<Value = String> + Clone {
    card_of(&RARE)
}

/// First digits and lengths.
const COMMON: [(&str, usize); 13] = [
    ("4", 16),
    ("51", 16),
    ("2720", 16),
    ("2221", 16),
    ("34", 15),
    ("37", 15),
    ("6011", 16),
    ("36", 14),
    ("3095", 16),
    ("3528", 16),
    ("62", 16),
    ("62", 19),
    ("6759", 16),
];
const RARE: [(&str, usize); 8] =
    [("4", 13), ("4", 19), ("65", 18), ("3095", 17), ("810", 17), ("50", 12), ("6759", 13), ("58", 15)];

fn card_of(brands: &'static [(&'static str, usize)]) -> impl Strategy<Value = String> + Clone {
    let brands = prop::sample::select(brands);
    (brands, "[0-9]{19}").prop_map(|((first, length), digits)| {
        let body = format!("{first}{digits}")[..length - 1].to_owned();
        let right = |check: &char| sum(&format!("{body}{check}")).is_multiple_of(10);
        let check = ('0'..='9').find(right).expect("one of ten is right");
        format!("{body}{check}")
    })
}

fn sum(digits: &str) -> u32 {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let digits = digits.chars().rev().filter_map(|c| c.to_digit(10)).enumerate();
    digits.map(|(place, digit)| if place % 2 == 0 { digit } else { doubled(digit) }).sum()
}

fn noise() -> impl Strategy<Value = String> {
    let chars = " -./_*,+:\n()\u{a0}\u{200b}\u{200d}\u{2013}\u{3000}\u{30fc}\u{feff}😀";
    prop::collection::vec(prop::sample::select(chars.chars().collect::<Vec<_>>()), 0..=5)
        .prop_map(|chars| chars.into_iter().collect())
}

/// A card number with noise between its digits: the same after each so many, or any.
fn noisy(card: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    let any = (card.clone(), prop::collection::vec(noise(), 18)).prop_map(|(card, mut noises)| {
        noises.push(String::new());
        card.chars().zip(noises).flat_map(|(digit, noise)| [digit.to_string(), noise]).collect()
    });
    prop_oneof![grouped(card, &[1, 2, 4, 4, 6, 20]), any]
}

/// A card number with the same noise after each so many digits.
fn grouped(card: impl Strategy<Value = String>, sizes: &'static [usize]) -> impl Strategy<Value = String> {
    (card, noise(), prop::sample::select(sizes)).prop_map(|(card, noise, size)| {
        let groups: Vec<&str> = card.as_bytes().chunks(size).filter_map(|group| str::from_utf8(group).ok()).collect();
        groups.join(&noise)
    })
}

/// The same digits in another script.
fn in_script(text: &str, zero: char) -> String {
    let digit = |value: u32| char::from_u32(u32::from(zero) + value).expect("scripts have ten digits");
    text.chars().map(|c| c.to_digit(10).map_or(c, digit)).collect()
}

fn text() -> impl Strategy<Value = String> {
    let scripts = prop::sample::select(vec!['٠', '०', '０', '\u{1d7ce}', '\u{1fbf0}']);
    let words =
        ["http://", "x://", "://", "+", " +", "a", "é", "あ", "█", "▇", "██████", "\u{fe0f}\u{20e3}", "½", "?n="];
    let piece = prop_oneof![
        3 => card(),
        4 => noisy(card()),
        1 => (noisy(card()), scripts).prop_map(|(card, zero)| in_script(&card, zero)),
        4 => "[0-9]{1,9}",
        1 => "[0-9]{20,60}",
        4 => noise(),
        1 => "[ -]{5,7}",
        4 => prop::sample::select(words.to_vec()).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// Text, and between it bytes that are none.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => text().prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => prop::sample::select(vec![vec![0xE2, 0x96], vec![0xF0, 0x9D, 0x9F], vec![0xC3], vec![0xFF], vec![0xED, 0xA0]]),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// Where a text is cut, as parts of its length.
fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..12)
}

/// The pieces of what is cut, with empty ones among them.
fn places(cuts: &[prop::sample::Index], length: usize) -> Vec<usize> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(length + 1)).chain([0, length]).collect();
    places.sort_unstable();
    places
}

/// All at once, and how many were covered.
fn redact_bytes(bytes: &[u8]) -> (Vec<u8>, u64) {
    let mut redactor = ByteRedactor::new();
    let mut out = redactor.push(bytes);
    let found = redactor.found();
    out.extend(redactor.finish());
    (out, found)
}

proptest! {
    #[test]
    fn a_text_cut_anywhere_gives_the_same(text in text(), cuts in cuts(), finely in any::<bool>()) {
        let mut ends = places(&cuts, text.len());
        if finely {
            ends = (0..=text.len()).collect();
        }
        ends.retain(|&end| text.is_char_boundary(end));
        let mut redactor = Redactor::new();
        let (mut out, mut chars) = (String::new(), 0);
        for two in ends.windows(2) {
            out += &redactor.push(&text[two[0]..two[1]]);
            chars = out.chars().count();
            let held: usize = text[..two[1]].chars().skip(chars).map(char::len_utf8).sum();
            prop_assert!(held <= HELD_BYTES, "{held} bytes are held");
        }
        prop_assert!(chars <= text.chars().count());
        let found = redactor.found();
        out += &redactor.finish();
        prop_assert_eq!(&out, &redact(&text));
        let mut whole = Redactor::new();
        let _ = whole.push(&text);
        prop_assert_eq!(found, whole.found());
    }

    #[test]
    fn bytes_cut_anywhere_give_the_same(bytes in bytes(), cuts in cuts(), finely in any::<bool>()) {
        let ends = if finely { (0..=bytes.len()).collect() } else { places(&cuts, bytes.len()) };
        let mut redactor = ByteRedactor::new();
        let mut out = Vec::new();
        for two in ends.windows(2) {
            out.extend(redactor.push(&bytes[two[0]..two[1]]));
        }
        let found = redactor.found();
        out.extend(redactor.finish());
        prop_assert_eq!((out, found), redact_bytes(&bytes));
    }

    #[test]
    fn bytes_that_are_text_give_what_text_gives(text in text()) {
        prop_assert_eq!(redact_bytes(text.as_bytes()).0, redact(&text).into_bytes());
    }

    #[test]
    fn bytes_that_are_no_text_stay_and_count_as_a_letter(bytes in bytes()) {
        let stand_in = 'Ж';
        prop_assume!(!String::from_utf8_lossy(&bytes).contains(stand_in));
        let mut text = String::new();
        let mut invalid = Vec::new();
        for piece in bytes.utf8_chunks() {
            text += piece.valid();
            if !piece.invalid().is_empty() {
                text.push(stand_in);
                invalid.push(piece.invalid());
            }
        }
        let after = redact(&text);
        let mut expected = Vec::new();
        for (at, part) in after.split(stand_in).enumerate() {
            expected.extend_from_slice(part.as_bytes());
            expected.extend_from_slice(invalid.get(at).copied().unwrap_or_default());
        }
        prop_assert_eq!(redact_bytes(&bytes).0, expected);
    }

    #[test]
    fn it_agrees_with_the_rules_read_plainly(text in text()) {
        prop_assert_eq!(redact(&text), reference::redact(&text));
    }

    #[test]
    fn a_redacted_text_has_nothing_left(text in text()) {
        let after = redact(&text);
        prop_assert_eq!(&redact(&after), &after);
        prop_assert_eq!(&reference::redact(&after), &after);
        let mut again = Redactor::new();
        let _ = again.push(&after);
        prop_assert_eq!(again.found(), 0);
    }

    #[test]
    fn nothing_but_digits_changes_and_none_moves(text in text()) {
        let after = redact(&text);
        prop_assert_eq!(after.chars().count(), text.chars().count());
        for (before, after) in text.chars().zip(after.chars()) {
            prop_assert!(before == after || (after == COVER && matches!(Mark::of(before), Mark::Digit(_))));
        }
    }

    #[test]
    fn as_many_are_counted_as_can_be_without_overlap(text in text()) {
        let mut redactor = Redactor::new();
        let _ = redactor.push(&text);
        prop_assert_eq!(redactor.found(), reference::count(&text));
        prop_assert_eq!(redactor.found() > 0, redact(&text) != text);
    }

    #[test]
    fn a_number_keeps_its_first_six_and_last_four_digits_at_most(
        card in prop_oneof![noisy(common_card()), grouped(rare_card(), &[1, 4, 20])], before in "([a-z#é]|[a-z] |[0-9]{1,9}[ a-z])?", after in "([a-z#é]| [a-z]|[ a-z][0-9]{1,9})?",
    ) {
        let all = redact(&format!("{before}{card}{after}"));
        let inside: String = all.chars().skip(before.chars().count()).take(card.chars().count()).collect();
        let digits: Vec<char> = inside.chars().filter(|c| c.is_ascii_digit() || *c == COVER).collect();
        prop_assert!(digits[6..digits.len() - 4].iter().all(|&c| c == COVER), "{all}");
    }

    #[test]
    fn a_number_of_a_common_length_is_seen_between_digits(
        card in common_card().prop_filter("of 16 digits", |card| card.len() == 16),
        before in "[0-9]{0,30}", after in "[0-9]{0,30}", between in prop::sample::select(vec!["", " ", "-", "\u{200b}"]),
    ) {
        let groups = [&card[..4], &card[4..8], &card[8..12], &card[12..]].join(between);
        let all = redact(&format!("{before}{groups}{after}"));
        let inside: String = all.chars().skip(before.len()).take(groups.chars().count()).collect();
        let digits: String = inside.chars().filter(|&c| Mark::of(c) != Mark::Noise).collect();
        prop_assert!(digits.chars().skip(6).take(6).all(|c| c == COVER), "{all}");
    }
}

#[test]
fn a_megabyte_of_digits_is_not_held_back() {
    let widest = "\u{1d7d2}\u{e0020}\u{e0020}\u{e0020}\u{e0020}\u{e0020}";
    for (digits, most) in [("4", 19), ("4 ", 38), ("41111111 ", 22), (widest, HELD_BYTES)] {
        let text = digits.repeat(1 << 17);
        let mut redactor = Redactor::new();
        let chars = redactor.push(&text).chars().count();
        let held = text.chars().skip(chars).map(char::len_utf8).sum::<usize>();
        assert_eq!(held, most, "{digits:?}");
    }
}

#[test]
fn a_text_without_digits_is_let_go_at_once() {
    let mut redactor = Redactor::new();
    assert_eq!(redactor.push("Hello — +://"), "Hello — +://");
    let mut redactor = ByteRedactor::new();
    assert_eq!(redactor.push(&[b'a', 0xFF, 0xE2, 0x96]), [b'a', 0xFF]);
    assert_eq!(redactor.push(&[0x41]), [0xE2, 0x96, 0x41]);
    assert!(redactor.push(&[0xE2]).is_empty());
    assert_eq!(redactor.finish(), [0xE2]);
}
