//! What must hold for every text.

use card_guard::finder::{BLOCK, covered, find};
use proptest::prelude::*;

fn cover(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for middle in find(text).middles {
        chars[middle.start as usize..middle.end as usize].fill(BLOCK);
    }
    chars.into_iter().collect()
}

/// A card number with a right check digit: the start of a brand's range, random digits, the check digit.
fn card() -> impl Strategy<Value = String> {
    let brands = [("4", 16), ("4", 13), ("4", 19), ("51", 16), ("2221", 16), ("34", 15), ("6011", 16), ("36", 14)];
    let more = [("3528", 16), ("62", 18), ("5018", 12), ("6759", 19)];
    let brands: Vec<(&str, usize)> = brands.into_iter().chain(more).collect();
    (prop::sample::select(brands), prop::collection::vec(0u8..10, 19)).prop_map(|((start, length), random)| {
        let mut digits: Vec<u8> = start.bytes().map(|digit| digit - b'0').chain(random).take(length - 1).collect();
        let doubled = |(place, digit): (usize, &u8)| match (place % 2, u32::from(*digit)) {
            (0, digit) => digit * 2 / 10 + digit * 2 % 10,
            (_, digit) => digit,
        };
        let sum: u32 = digits.iter().rev().enumerate().map(doubled).sum();
        digits.push(((10 - sum % 10) % 10) as u8);
        digits.into_iter().map(|digit| char::from(digit + b'0')).collect()
    })
}

/// A card number with noise between its digits, and the places of its digits.
fn noisy_card() -> impl Strategy<Value = String> {
    let noise = prop::collection::vec(prop::sample::select(vec!["", "", "", " ", "-", ". ", "\u{a0}", "     "]), 19);
    (card(), noise).prop_map(|(card, noise)| {
        card.chars()
            .zip(noise)
            .map(|(digit, noise)| format!("{digit}{noise}"))
            .collect::<String>()
            .trim_end()
            .to_owned()
    })
}

/// Text in which a number can stand without becoming another one: it ends and starts with a letter or a space.
fn around() -> impl Strategy<Value = String> {
    "[a-z .,;\\n\u{e9}]{0,20}".prop_filter("no URL begins here", |text| !text.contains("www."))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_planted_number_keeps_its_first_six_and_last_four(before in around(), card in noisy_card(), after in around()) {
        let text = format!("{before} {card} {after}");
        let covered = cover(&text);
        let left: String = covered.chars().filter(char::is_ascii_digit).collect();
        let all: String = card.chars().filter(char::is_ascii_digit).collect();
        prop_assert_eq!(left, format!("{}{}", &all[..6], &all[all.len() - 4..]));
        prop_assert_eq!(covered.chars().count(), text.chars().count());
        prop_assert_eq!(find(&text).numbers, 1);
    }

    #[test]
    fn among_other_digits_it_keeps_no_more(before in "[0-9 .x-]{0,30}x?", card in noisy_card(), after in "x?[0-9 .x-]{0,30}") {
        let text = format!("{before} {card} {after}");
        let covered: Vec<char> = cover(&text).chars().collect();
        let start = before.chars().count() + 1;
        let own = &covered[start..start + card.chars().count()];
        let was_digit = card.chars().zip(own).filter(|(was, _)| was.is_ascii_digit());
        let places: Vec<bool> = was_digit.map(|(_, is)| is.is_ascii_digit()).collect();
        prop_assert!(places[6..places.len() - 4].iter().all(|left| !left), "{}", covered.iter().collect::<String>());
    }

    #[test]
    fn twice_finds_nothing_new(text in "[0-9 +./:a-w\u{2587}-]{0,200}") {
        let once = cover(&text);
        prop_assert_eq!(find(&once).numbers, 0);
        prop_assert_eq!(cover(&once), once);
    }

    #[test]
    fn text_without_digits_is_untouched(text in "\\PN{0,200}") {
        prop_assert_eq!(cover(&text), text);
    }

    #[test]
    fn any_text_can_be_searched(text in any::<String>()) {
        let found = find(&text);
        let end = text.chars().count() as u32;
        prop_assert!(found.middles.iter().all(|range| range.start < range.end && range.end <= end));
        prop_assert!(found.middles.windows(2).all(|pair| pair[0].end < pair[1].start));
        let _ = covered(&text);
    }
}
