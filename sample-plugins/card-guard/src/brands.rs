//! Says which digits can be a card number: a known brand, a length of that brand, and a right check digit.

use std::ops::RangeInclusive;

/// A range of the first six digits, and the lengths that numbers in it have.
type Range = (RangeInclusive<u32>, &'static [usize]);

const SIXTEEN: &[usize] = &[16];
const FIFTEEN: &[usize] = &[15];
const VISA: &[usize] = &[13, 16, 19];
const DINERS: &[usize] = &[14, 15, 16, 17, 18, 19];
const LONG: &[usize] = &[16, 17, 18, 19];
const MAESTRO: &[usize] = &[12, 13, 14, 15, 16, 17, 18, 19];

const RANGES: [Range; 20] = [
    // Visa
    (400_000..=499_999, VISA),
    // Mastercard, the 2-series among them
    (510_000..=559_999, SIXTEEN),
    (222_100..=272_099, SIXTEEN),
    // American Express
    (340_000..=349_999, FIFTEEN),
    (370_000..=379_999, FIFTEEN),
    // Discover; its 622126 to 622925 lie in UnionPay's range
    (601_100..=601_199, LONG),
    (644_000..=659_999, LONG),
    // Diners Club
    (300_000..=305_999, DINERS),
    (309_500..=309_599, DINERS),
    (360_000..=369_999, DINERS),
    (380_000..=399_999, DINERS),
    // JCB
    (352_800..=358_999, LONG),
    // UnionPay
    (620_000..=629_999, LONG),
    (810_000..=817_199, LONG),
    // Maestro
    (500_000..=509_999, MAESTRO),
    (560_000..=579_999, MAESTRO),
    (580_000..=589_999, MAESTRO),
    (630_400..=630_499, MAESTRO),
    (639_000..=639_099, MAESTRO),
    (670_000..=679_999, MAESTRO),
];

/// How many of these digits, each 0 to 9, can be a card number that starts with the first: the longest first.
pub fn lengths(digits: &[u8]) -> impl Iterator<Item = usize> {
    let start = digits.get(..6).map(|six| six.iter().fold(0, |number, &digit| number * 10 + u32::from(digit)));
    let range = RANGES.iter().find(|(range, _)| start.is_some_and(|start| range.contains(&start)));
    let lengths = range.map(|(_, lengths)| *lengths).unwrap_or_default();
    lengths.iter().rev().copied().filter(|&length| digits.get(..length).is_some_and(luhn))
}

/// ISO/IEC 7812: from the right, every second digit counts double, and the sum ends in 0.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, u32::from(digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(text: &str) -> bool {
        let digits: Vec<u8> = text.bytes().map(|digit| digit - b'0').collect();
        lengths(&digits).any(|length| length == digits.len())
    }

    #[test]
    fn test_numbers_of_each_brand_are_cards() {
        for number in [
            "4111111111111111",
            "4222222222222",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "6011111111111117",
            "30569309025904",
            "36227206271667",
            "3530111333300000",
            "6200000000000005",
            "6304000000000000",
            "6759649826438453",
        ] {
            assert!(card(number), "{number}");
        }
    }

    #[test]
    fn a_wrong_check_digit_length_or_brand_is_none() {
        for number in ["4111111111111112", "411111111111", "41111111111111", "1111111111111117", "0000000000000000", ""]
        {
            assert!(!card(number), "{number}");
        }
    }
}
