//! Finds numbers while a text passes by, and covers them before they are let go.
//!
//! Invariants:
//! - a number's fate depends on its own digits, what stands between them, and the character on either side: nothing
//!   that was found before it, and nothing that was let go;
//! - at most 19 digits are held, each with at most [`NOISE`] characters after it, and nothing else;
//! - where a stretch ends is known only with the character after it: it is judged then, and once.

use std::collections::VecDeque;

use super::{
    COVER, LEAST_DIGITS, LEFT_AT_END, LEFT_AT_START, MOST_DIGITS, NOISE,
    brands::Brand,
    mark::Mark,
    place::{Places, Region},
};

/// A digit of the chain that is being read.
struct Digit {
    c: char,
    value: u8,
    /// No digit stands right before it.
    opens: bool,
    region: Region,
    covered: bool,
    /// The check sums before it.
    before: CheckSums,
    noise: [char; NOISE],
    noises: usize,
}

/// The stretches that end at one digit: their lengths in digits.
struct Numbers {
    shortest: usize,
    longest: usize,
}

/// Reads a text character by character.
#[derive(Default)]
pub struct Finder {
    places: Places,
    /// The end of the chain that is being read.
    chain: VecDeque<Digit>,
    /// What was read last.
    last: Option<Mark>,
    /// How many digits were read.
    digits: u64,
    sums: CheckSums,
    found: u64,
    /// How many digits had been read at the end of the last number that was counted.
    counted: u64,
}

impl Finder {
    pub fn push(&mut self, text: &str, out: &mut String) {
        for c in text.chars() {
            let mark = Mark::of(c);
            if !self.read(c, mark, out) {
                out.push(c);
            }
        }
    }

    /// Lets go of everything: the text ends, or goes on with what is no character.
    pub fn end(&mut self, out: &mut String) {
        self.read(char::REPLACEMENT_CHARACTER, Mark::Other, out);
    }

    /// How many numbers there are if the text ends here: as many as can be without overlap.
    pub fn found(&self) -> u64 {
        let at_end = if self.after_digit() { self.numbers(true) } else { None };
        self.found + u64::from(at_end.is_some_and(|numbers| self.counts(&numbers)))
    }

    /// Whether the character is held. If not, everything before it has been let go.
    fn read(&mut self, c: char, mark: Mark, out: &mut String) -> bool {
        let region = self.places.next(c, mark);
        let opens = !self.last.is_some_and(Mark::is_digit);
        if self.after_digit() {
            self.settle(!mark.is_digit());
        }
        self.last = Some(mark);
        match mark {
            Mark::Digit(value) => {
                self.release(MOST_DIGITS - 1, out);
                let noise = ['\0'; NOISE];
                let before = self.sums;
                self.chain.push_back(Digit { c, value, opens, region, covered: false, before, noise, noises: 0 });
                self.sums.add(value, self.digits);
                self.digits += 1;
                true
            }
            Mark::Noise if self.chain.back_mut().is_some_and(|digit| digit.keep(c)) => true,
            _ => {
                self.release(0, out);
                false
            }
        }
    }

    fn after_digit(&self) -> bool {
        matches!(self.last, Some(Mark::Digit(_)))
    }

    /// Covers and counts what ends at the last digit. `closes`: no digit follows it.
    fn settle(&mut self, closes: bool) {
        let Some(numbers) = self.numbers(closes) else { return };
        if self.counts(&numbers) {
            self.found += 1;
            self.counted = self.digits;
        }
        let end = self.chain.len();
        for digit in self.chain.range_mut(end - numbers.longest + LEFT_AT_START..end - LEFT_AT_END) {
            digit.covered = true;
        }
    }

    /// Whether the shortest of them overlaps no number that was counted.
    fn counts(&self, numbers: &Numbers) -> bool {
        self.digits - numbers.shortest as u64 >= self.counted
    }

    /// The numbers that end at the last digit.
    fn numbers(&self, closes: bool) -> Option<Numbers> {
        let starts = self.chain.len().checked_sub(LEAST_DIGITS)?;
        let mut numbers: Option<Numbers> = None;
        for (more, first) in self.chain.range(..=starts).rev().enumerate() {
            let length = LEAST_DIGITS + more;
            if self.sums.check(first.before, self.digits) && self.is_number(length, closes) {
                let shortest = numbers.map_or(length, |shorter| shorter.shortest);
                numbers = Some(Numbers { shortest, longest: length });
            }
        }
        numbers
    }

    /// Whether so many last digits, with a right check digit, are a number.
    fn is_number(&self, length: usize, closes: bool) -> bool {
        let start = self.chain.len() - length;
        let (Some(first), Some(last)) = (self.chain.get(start), self.chain.back()) else { return false };
        let six = self.chain.range(start..start + 6).fold(0, |six, digit| six * 10 + u32::from(digit.value));
        let fits = |brand: &Brand| match (first.opens && closes, brand.commonly_has(length)) {
            (true, true) => true,
            (false, true) => as_printed(length, self.gaps(length)),
            (true, false) => brand.has(length) && as_printed_or_in_fours(length, self.gaps(length)),
            (false, false) => false,
        };
        !first.region.encloses(last.region) && Brand::of(six).is_some_and(fits)
    }

    /// Bit n: there is noise before the last n of so many last digits.
    fn gaps(&self, length: usize) -> u32 {
        let from_last = self.chain.iter().rev().take(length).enumerate();
        from_last.fold(0, |gaps, (place, digit)| gaps | u32::from(digit.noises > 0) << place)
    }

    /// Lets go of all but so many digits.
    fn release(&mut self, keep: usize, out: &mut String) {
        while self.chain.len() > keep {
            let Some(digit) = self.chain.pop_front() else { return };
            out.push(if digit.covered { COVER } else { digit.c });
            out.extend(&digit.noise[..digit.noises]);
        }
    }
}

impl Digit {
    /// Keeps a noise character that follows, if there is room.
    fn keep(&mut self, c: char) -> bool {
        let Some(room) = self.noise.get_mut(self.noises) else { return false };
        *room = c;
        self.noises += 1;
        true
    }
}

/// Whether ASCII digits are one number, from the first to the last.
pub fn is_number(digits: &str) -> bool {
    let mut finder = Finder::default();
    finder.push(digits, &mut String::new());
    finder.numbers(true).is_some_and(|numbers| numbers.longest == digits.len())
}

/// The sums, modulo 10, of all digits that were read: with those at even places doubled, and with those at odd ones.
///
/// Of a number with a right check digit they end in 0, with every second digit doubled but the last (ISO/IEC 7812): what
/// they were before it they are after it.
#[derive(Clone, Copy, Default)]
struct CheckSums([u8; 2]);

impl CheckSums {
    fn add(&mut self, value: u8, place: u64) {
        let doubled = if value > 4 { value * 2 - 9 } else { value * 2 };
        let [even, odd] = if place.is_multiple_of(2) { [doubled, value] } else { [value, doubled] };
        self.0 = [(self.0[0] + even) % 10, (self.0[1] + odd) % 10];
    }

    /// Whether the check digit is right of a number before which the sums were these, and after which so many digits
    /// had been read.
    fn check(self, before: Self, digits: u64) -> bool {
        let last_stays = usize::from(!digits.is_multiple_of(2));
        self.0[last_stays] == before.0[last_stays]
    }
}

/// The same, or in fours from the first digit on.
fn as_printed_or_in_fours(length: usize, gaps: u32) -> bool {
    let fours = (4..length).step_by(4).fold(0, |gaps, digits| gaps | 1 << (length - digits));
    gaps == fours || as_printed(length, gaps)
}

/// Whether numbers of this length are printed with these gaps: without, after each digit or pair of digits, or as on
/// cards. Bit n: before the last n digits.
fn as_printed(length: usize, gaps: u32) -> bool {
    let all = (1 << length) - 2;
    let pairs = 0b0101_0101_0101_0101_0100 & all;
    let on_cards: &[u32] = match length {
        13 => &[1 << 3 | 1 << 6 | 1 << 9],
        14 => &[1 << 4 | 1 << 10],
        15 => &[1 << 5 | 1 << 11],
        16 => &[1 << 4 | 1 << 8 | 1 << 12],
        19 => &[1 << 3 | 1 << 7 | 1 << 11 | 1 << 15, 1 << 13],
        _ => &[],
    };
    gaps == 0 || gaps == all || (length.is_multiple_of(2) && gaps == pairs) || on_cards.contains(&gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_numbers_have_gaps_at_known_places() {
        let gaps = |text: &str| {
            let total = text.split(' ').map(str::len).sum::<usize>();
            let ends = text.split(' ').scan(0, |end, group| {
                *end += group.len();
                Some(*end)
            });
            ends.filter(|&end| end < total).fold(0_u32, |gaps, end| gaps | 1 << (total - end))
        };
        for (length, text, expected) in [
            (16, "1111222233334444", true),
            (16, "1111 2222 3333 4444", true),
            (16, "11 11 22 22 33 33 44 44", true),
            (16, "1 1 1 1 2 2 2 2 3 3 3 3 4 4 4 4", true),
            (15, "1111 222222 33333", true),
            (14, "1111 222222 3333", true),
            (19, "1111 2222 3333 4444 555", true),
            (19, "111111 2222222222222", true),
            (16, "11111 222 3333 4444", false),
            (16, "1111 2222 33334444", false),
            (15, "1111 2222 3333 444", false),
            (14, "1111 2222 3333 44", false),
            (13, "1111 222 333 444", true),
            (18, "11 22 33 44 55 66 77 88 99", true),
        ] {
            assert_eq!(as_printed(length, gaps(text)), expected, "{text}");
        }
        for (length, text, expected) in [
            (12, "1111 2222 3333", true),
            (13, "1111 2222 3333 4", true),
            (18, "1111 2222 3333 4444 55", true),
            (12, "111122223333", true),
            (13, "11 22 333333333", false),
            (13, "1 2222 3333 4444", false),
        ] {
            assert_eq!(as_printed_or_in_fours(length, gaps(text)), expected, "{text}");
        }
    }
}
