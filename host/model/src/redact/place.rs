//! Where in a text a character stands: in a URL, in a telephone number, or in neither.
//!
//! Invariants:
//! - a covered digit counts as the digit that it was, so that a redacted text has its URLs and telephone numbers where
//!   the text had them;
//! - only what was read decides, in constant space.

use super::{NOISE, mark::Mark};

/// The most digits of a telephone number with its country code (E.164).
const PHONE_DIGITS: usize = 15;

/// The URL or telephone number that a character stands in, by a number that no other near it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Region(u32);

impl Region {
    const TEXT: Self = Self(0);

    /// Whether what starts in one and ends in the other lies whole in a URL or telephone number.
    pub fn encloses(self, end: Self) -> bool {
        self != Self::TEXT && self == end
    }
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Text,
    Url,
    Phone {
        digits: usize,
        noise: usize,
    },
}

/// How much of a URL's `s://` was just read.
#[derive(Clone, Copy, Default, PartialEq)]
enum Scheme {
    #[default]
    None,
    Letter,
    Colon,
    Slash,
}

/// Follows a text, character by character.
#[derive(Default)]
pub struct Places {
    state: State,
    scheme: Scheme,
    /// A `+` that begins a word was just read.
    plus: bool,
    /// A digit or letter was just read.
    in_word: bool,
    last: u32,
}

impl Places {
    /// Where the next character stands.
    pub fn next(&mut self, c: char, mark: Mark) -> Region {
        self.leave(c, mark);
        if self.plus && mark.is_digit() && !matches!(self.state, State::Url) {
            self.enter(State::Phone { digits: 1, noise: 0 });
        }
        let region = match self.state {
            State::Text => Region::TEXT,
            State::Url | State::Phone { .. } => Region(self.last),
        };
        self.scheme = match (self.scheme, c) {
            (_, 'a'..='z' | 'A'..='Z') => Scheme::Letter,
            (Scheme::Letter, ':') => Scheme::Colon,
            (Scheme::Colon, '/') => Scheme::Slash,
            _ => Scheme::None,
        };
        self.plus = matches!(c, '+' | '\u{FF0B}') && !self.in_word;
        self.in_word = mark != Mark::Noise;
        region
    }

    /// Ends a URL or telephone number that the character does not belong to, and begins a URL at its second slash.
    fn leave(&mut self, c: char, mark: Mark) {
        self.state = match self.state {
            State::Url if in_url(c, mark) => State::Url,
            State::Phone { digits, .. } if mark.is_digit() && digits < PHONE_DIGITS => {
                State::Phone { digits: digits + 1, noise: 0 }
            }
            State::Phone { digits, noise } if mark == Mark::Noise && noise < NOISE => {
                State::Phone { digits, noise: noise + 1 }
            }
            _ => State::Text,
        };
        if self.scheme == Scheme::Slash && c == '/' && !matches!(self.state, State::Url) {
            self.enter(State::Url);
        }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.last = self.last.wrapping_add(1).max(1);
    }
}

/// Fewer characters than a URL can have: a comma or a bracket may follow one, and a number after it is not in it.
fn in_url(c: char, mark: Mark) -> bool {
    mark.is_digit() || c.is_ascii_alphanumeric() || "-._~:/?#@!$&+=%".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each character's region: '.' for none, 'a' for the first, and so on.
    fn regions(text: &str) -> String {
        let mut places = Places::default();
        let letter = |region: Region| if region == Region::TEXT { '.' } else { char::from(b'`' + region.0 as u8) };
        text.chars().map(|c| letter(places.next(c, Mark::of(c)))).collect()
    }

    #[test]
    fn a_url_reaches_from_its_slashes_to_what_ends_one() {
        for (text, expected) in [
            ("see http://a/1?b=2 3", "..........aaaaaaaa.."),
            ("HTTPS://a,4", ".......aa.."),
            ("x://1█2", "...aaaa"),
            ("x:// http://b", "...a.......bb"),
            ("x://y?u=z://w", "...aaaaaaaaaa"),
            ("1://4 ://4 :/4 a:4//4", "....................."),
            ("x://é4", "...a.."),
            ("x://+1 2", "...aaa.."),
            ("x://4<5>", "...aa..."),
        ] {
            assert_eq!(regions(text), expected, "{text}");
        }
    }

    #[test]
    fn a_telephone_number_reaches_over_fifteen_digits_after_a_plus() {
        for (text, expected) in [
            ("+49 30 123", ".aaaaaaaaa"),
            ("(+49) 30, 1", "..aaaaaaaaa"),
            ("+1234567890123456", ".aaaaaaaaaaaaaaa."),
            ("+12345█789012345 6", ".aaaaaaaaaaaaaaaa."),
            ("+1      2", ".aaaaaa.."),
            ("+1a2", ".a.."),
            ("+ 1 a+1 1+1", "..........."),
            ("＋1 +2", ".aaab"),
            ("+█2", ".aa"),
            ("x://a+1 +1", "...aaaa..b"),
        ] {
            assert_eq!(regions(text), expected, "{text}");
        }
    }
}
