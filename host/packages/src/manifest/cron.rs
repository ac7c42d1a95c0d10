//! Times that come again and again: the five fields of cron, in UTC.
//!
//! Invariants: every number is one that its field can have; there is a moment at which it comes.

use std::{fmt, str::FromStr};

use serde::Serialize;

/// The pattern of [`Cron`]; whether the numbers fit is seen by reading it.
pub(super) const CRON: &str = r"^\s*[0-9*,/-]+(\s+[0-9*,/-]+){4}\s*$";

const LONGEST: usize = 100;
const FIELDS: [(&str, u8, u8); 5] =
    [("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7)];
/// Of each month, in a leap year.
const DAYS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A time that comes again and again: minute, hour, day of the month, month and day of the week, in UTC. Where both the day
/// of the month and that of the week are given, a day comes that is either, as in cron.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Cron(String);

impl Cron {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a field allows: the bit of each number.
fn field(text: &str, (name, first, last): (&str, u8, u8)) -> Result<u64, String> {
    let wrong = |what: &str| format!("{name} '{text}': {what}; {name} goes from {first} to {last}");
    let within = |text: &str, first: u8| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|number| digits && (first..=last).contains(number))
    };
    let number = |text: &str| within(text, first).ok_or_else(|| wrong(&format!("'{text}' is no number that fits")));
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, within(step, 1)),
            None => (part, Some(1)),
        };
        let step = step.ok_or_else(|| wrong("a step is a number from 1 that the field can have"))?;
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (first, last),
            Some((from, to)) => (number(from)?, number(to)?),
            None if part.contains('/') => return Err(wrong("a step follows * or a range, such as */15")),
            None => (number(range)?, number(range)?),
        };
        if from > to {
            return Err(wrong("a range goes from the smaller number to the larger"));
        }
        bits = (from..=to).step_by(usize::from(step)).fold(bits, |bits, number| bits | 1 << number);
    }
    Ok(bits)
}

/// Whether some month that is meant is long enough for some day that is meant.
fn comes(days: u64, months: u64) -> bool {
    (1..)
        .zip(DAYS)
        .any(|(month, longest)| months & (1 << month) != 0 && u64::from(longest) >= u64::from(days.trailing_zeros()))
}

impl FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split_ascii_whitespace().take(FIELDS.len() + 1).collect();
        let plain = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if parts.len() != FIELDS.len() || text.len() > LONGEST || !plain {
            return Err(
                "expected minute, hour, day of the month, month and day of the week on one line, such as 0 3 * * *"
                    .into(),
            );
        }
        let mut read = [0; FIELDS.len()];
        for (bits, (part, of)) in read.iter_mut().zip(parts.iter().zip(FIELDS)) {
            *bits = field(part, of)?;
        }
        let [_, _, days, months, _] = read;
        let any_week_day = parts[4].starts_with('*');
        match any_week_day && !comes(days, months) {
            true => Err(format!("'{text}' never comes: no such month has such a day")),
            false => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_cron_reads() {
        for text in [
            "* * * * *",
            "0 3 * * *",
            "*/15 0-6,22,23 1-31/2 */3 1-5",
            "05 03 29 2 *",
            "0 0 31 2 1",
            "0 0 * * 7",
            " 0  0 1 1 * ",
        ] {
            assert_eq!(text.parse::<Cron>().as_ref().map(Cron::as_str), Ok(text));
        }
    }

    #[test]
    fn says_which_field_is_wrong() {
        for (text, error) in [
            ("", "expected minute, hour, day of the month, month and day of the week"),
            ("0 3 * *", "such as 0 3 * * *"),
            ("0 3 * * * *", "such as 0 3 * * *"),
            ("0\t3 * * *", "such as 0 3 * * *"),
            ("@daily", "such as 0 3 * * *"),
            ("60 3 * * *", "minute '60': '60' is no number that fits; minute goes from 0 to 59"),
            ("0 24 * * *", "hour '24'"),
            ("0 0 0 * *", "day of the month '0'"),
            ("0 0 * 13 *", "month '13'"),
            ("0 0 * JAN *", "month 'JAN'"),
            ("0 0 * * 8", "day of the week '8'"),
            ("0 5-1 * * *", "a range goes from the smaller number to the larger"),
            ("5/15 * * * *", "a step follows * or a range"),
            ("*/0 * * * *", "a step is a number from 1"),
            ("*/60 * * * *", "a step is a number from 1"),
            ("*/+5 * * * *", "a step is a number from 1"),
            ("+5 * * * *", "'+5' is no number that fits"),
            ("1,,2 * * * *", "'' is no number that fits"),
            ("000 * * * *", "'000' is no number that fits"),
            ("0 0 31 2 *", "'0 0 31 2 *' never comes"),
            ("0 0 31 4,6,9,11 *", "never comes"),
            ("0 0 30-31 2 */2", "never comes"),
        ] {
            let found = text.parse::<Cron>().unwrap_err();
            assert!(found.contains(error), "{text}: {found}");
        }
    }
}
