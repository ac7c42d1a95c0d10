//! What a character is to the finder.
//!
//! Invariant: a covered digit is a [`Mark::Covered`], and whatever asks only [`Mark::is_digit`] sees no difference
//! between a text and the same text redacted.

use super::{COVER, digits};

/// The help desk's own cover.
const COVER_IN_STORE: char = '\u{2587}';

/// Letters that are blank or drawn as a dash: Hangul fillers, the prolonged sound marks of Japanese.
const BLANK_LETTERS: [char; 6] = ['\u{115F}', '\u{1160}', '\u{3164}', '\u{FFA0}', '\u{30FC}', '\u{FF70}'];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A decimal digit with its value.
    Digit(u8),
    /// A digit that was covered. It ends a chain, but not the group of digits that it stands in.
    Covered,
    /// May stand between two digits of a number.
    Noise,
    /// Ends a chain.
    Other,
}

impl Mark {
    pub fn of(c: char) -> Self {
        match digits::value(c) {
            Some(value) => Self::Digit(value),
            None if matches!(c, COVER | COVER_IN_STORE) => Self::Covered,
            None if c.is_alphanumeric() && !BLANK_LETTERS.contains(&c) => Self::Other,
            None => Self::Noise,
        }
    }

    /// A digit, covered or not.
    pub fn is_digit(self) -> bool {
        matches!(self, Self::Digit(_) | Self::Covered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_letter_and_no_numeral_is_noise() {
        for c in " \t\r\n-.,:;/\\_*+()[]{}<>\"'|&=#\u{a0}\u{ad}\u{200b}\u{200d}\u{202f}\u{2013}\u{2014}\u{2060}\u{20e3}\
                  \u{3000}\u{3164}\u{30fc}\u{fe0f}\u{feff}\u{fffd}\u{e0020}\u{0}"
            .chars()
        {
            assert_eq!(Mark::of(c), Mark::Noise, "{c:?}");
        }
    }

    #[test]
    fn letters_and_numerals_without_a_decimal_value_are_others() {
        for c in "aZéßжあ一ª²½①Ⅷ".chars() {
            assert_eq!(Mark::of(c), Mark::Other, "{c:?}");
        }
    }

    #[test]
    fn both_covers_are_covered_digits() {
        for c in "█▇".chars() {
            assert_eq!(Mark::of(c), Mark::Covered);
            assert!(Mark::of(c).is_digit());
        }
    }
}
