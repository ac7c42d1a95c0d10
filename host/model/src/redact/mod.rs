//! Payment-card numbers: found in text, and covered but for the first six and last four digits (DAT-3).
//!
//! This is the one truncation of the platform: what the host shows, stores or sends is cut here and nowhere else,
//! because two different truncations of one number give the number away together.
//!
//! # What is a number
//! - A **digit** is a decimal digit of any script ([Unicode `Nd`](https://www.unicode.org/reports/tr44/)).
//! - **Noise** is every character that is neither a letter nor a numeral: spaces of every kind, line ends, dashes, dots,
//!   commas, slashes, brackets, zero-width characters. A letter that is blank or drawn as a dash is noise as well.
//! - A **chain** is a sequence of digits with at most [`NOISE`] noise characters between two of them; a **group** is a
//!   part of it without noise. All other characters end a chain.
//! - A **number** is a stretch of 12 to 19 digits of a chain with the first six digits and the length of a brand, a right
//!   check digit (Luhn), that
//!   1. has a length that its brand commonly has, starts where a group starts and ends where one ends, whatever noise is
//!      in it; or
//!   2. has such a length, is stuck to further digits, and is written as it is printed (4-4-4-4, 4-6-5), digit by digit,
//!      in pairs or without noise; or
//!   3. has another length of its brand, starts and ends as in 1, and is written as in 2 or in fours.
//!
//! Each stretch of a chain is judged by itself, and where several overlap, the digits of all are covered: digits before a
//! number cannot make a decoy that hides it.
//!
//! # What is skipped
//! - A number that lies whole in a URL (`scheme://` and what follows, to the first character that a URL does not have
//!   or that ends one in prose). **This is a way out for a card number**: `https://a.example/?n=4111...` stays as it is.
//! - A number that lies whole in the first 15 digits after a `+` that begins a word: a telephone number has no more. A
//!   card number of 16 digits or more is therefore never skipped after a `+`; a shorter one is.
//!
//! # What is missed
//! No detection is complete. Missed are numbers that are spelled out, interrupted by letters or by more noise, spread over
//! several texts (the items of a JSON array), encoded (percent, Base64, JSON escapes: decode first, and use
//! [`redact_json`] for JSON), of brands without a check digit, and those of rare lengths that are stuck to further
//! digits or oddly written.
//!
//! # What is covered and should not be
//! Other numbers can pass for a card's: of random ones, two in a hundred with 15 digits, five with 16, seventeen with 19,
//! six IBANs in a hundred in groups and eighteen without, and in a table of four-digit amounts one stretch of ten
//! amounts in four. A text of identifiers is better shown by a grant that names its field than passed through here.
//!
//! # Invariants
//! - The count of characters, and all characters but covered digits, stay as they are; a covered digit is a [`COVER`].
//! - A text cut anywhere gives the same result as the whole, with at most [`HELD_BYTES`] held back at any time.
//! - A redacted text has nothing left to cover: redacting it again changes nothing.
//! - The time grows with the text's length, by at most 8 checks and 9 covers a digit, whatever the text is.

mod brands;
mod bytes;
mod digits;
mod finder;
mod json;
mod mark;
mod place;
#[cfg(test)]
mod tests;

use std::fmt;

pub use bytes::ByteRedactor;
pub use json::redact_json;

use finder::Finder;

/// What stands in place of a covered digit.
///
/// U+2588, and not the U+2587 by which the help desk covers a comment for good; both count as covered digits here.
pub const COVER: char = '\u{2588}';

/// The most noise characters between two digits of one number.
pub const NOISE: usize = 5;

/// The most bytes that a redactor holds back: 19 digits, each with the noise after it, of four bytes a character.
pub const HELD_BYTES: usize = MOST_DIGITS * (1 + NOISE) * 4;

/// The least digits of a card number.
const LEAST_DIGITS: usize = 12;
/// The most digits of a card number.
const MOST_DIGITS: usize = 19;
/// How many digits at a number's start stay.
const LEFT_AT_START: usize = 6;
/// How many digits at a number's end stay.
const LEFT_AT_END: usize = 4;

/// Covers the card numbers of a whole text (DAT-3).
#[must_use]
pub fn redact(text: &str) -> String {
    covered(text).0
}

/// The covered text, and how many numbers were covered.
fn covered(text: &str) -> (String, u64) {
    let mut finder = Finder::default();
    let mut out = String::with_capacity(text.len());
    finder.push(text, &mut out);
    finder.end(&mut out);
    (out, finder.found())
}

/// Covers the card numbers of a text that comes in pieces (DAT-3).
///
/// What the pushes and [`Redactor::finish`] return is, put together, what [`redact`] makes of the whole text, wherever
/// it is cut.
#[derive(Default)]
pub struct Redactor(Finder);

impl Redactor {
    /// At the start of a text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece, and returns what is certain by now: all but at most [`HELD_BYTES`] at the end.
    #[must_use = "this is the text"]
    pub fn push(&mut self, chunk: &str) -> String {
        let mut out = String::with_capacity(chunk.len());
        self.0.push(chunk, &mut out);
        out
    }

    /// The rest: the text ends here.
    #[must_use = "this is the end of the text"]
    pub fn finish(mut self) -> String {
        let mut out = String::new();
        self.0.end(&mut out);
        out
    }

    /// How many numbers are covered if the text ends here: right before [`Redactor::finish`], the count of the whole.
    /// Of numbers that overlap, one counts.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.0.found()
    }
}

impl fmt::Debug for Redactor {
    /// Without the text that is held back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("found", &self.found()).finish_non_exhaustive()
    }
}
