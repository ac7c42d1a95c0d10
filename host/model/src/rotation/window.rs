//! Windows: the times of a week in which credentials may be rotated.
//!
//! Written as `[days ]HH:MM-HH:MM[ offset]`, such as `22:00-06:00`, `sat,sun 00:00-24:00` or `mon-fri 01:30-04:00 +02:00`. Days are
//! those on which it opens; without an offset the times are UTC. An offset is fixed: it knows no daylight saving time.
//!
//! Invariant: a window lasts longer than nothing and at most a day, and opens at least once a week.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const EVERY_DAY: u8 = 0x7f;
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// A window that opens every week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    /// A bit a day on which it opens, Monday the lowest.
    days: u8,
    /// Minutes after midnight.
    from: i64,
    /// How many minutes it lasts.
    lasts: i64,
    /// Minutes east of UTC.
    offset: i64,
}

/// Why a text is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a window: expected such as 22:00-06:00, 'sat,sun 00:00-24:00' or 'mon-fri 01:30-04:00 +02:00'")]
pub struct WindowError(String);

impl Window {
    /// Whether it is open.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.opening(now).is_some_and(|opened| now.0 < opened.0 + self.lasts * MINUTE)
    }

    /// When it opened last, at `at` or before.
    pub fn opening(&self, at: Timestamp) -> Option<Timestamp> {
        let shift = (self.from - self.offset) * MINUTE;
        let latest = at.0.checked_sub(shift)?.div_euclid(DAY);
        (0..=7).map(|back| latest - back).find(|day| self.opens_on(*day)).map(|day| Timestamp(day * DAY + shift))
    }

    /// Whether it opens on that day since 1970, which began on a Thursday.
    fn opens_on(&self, day: i64) -> bool {
        self.days >> (day + 3).rem_euclid(7) & 1 == 1
    }
}

fn time(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
}

fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = text.split_at_checked(1)?;
    let minutes = time(rest).filter(|minutes| *minutes <= 14 * 60)?;
    match sign {
        "+" => Some(minutes),
        "-" => Some(-minutes),
        _ => None,
    }
}

fn day(text: &str) -> Option<usize> {
    DAYS.iter().position(|day| *day == text)
}

fn days(text: &str) -> Option<u8> {
    text.split(',').try_fold(0, |all, part| match part.split_once('-') {
        None => Some(all | 1 << day(part)?),
        Some((first, last)) => {
            let (first, last) = (day(first)?, day(last)?);
            let count = (last + 7 - first) % 7;
            Some((0..=count).fold(all, |all, step| all | 1 << ((first + step) % 7)))
        }
    })
}

fn parse(text: &str) -> Option<Window> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let span = words.iter().position(|word| word.get(..5).is_some_and(|start| time(start).is_some()))?;
    let (from, to) = words[span].split_once('-')?;
    let (from, to) = (time(from)?, time(to)?);
    let lasts = if to > from { to - from } else { to + 24 * 60 - from };
    let days = match &words[..span] {
        [] => EVERY_DAY,
        [one] => days(one)?,
        _ => return None,
    };
    let offset = match &words[span + 1..] {
        [] | ["UTC"] => 0,
        [one] => offset(one)?,
        _ => return None,
    };
    (from < 24 * 60 && lasts <= 24 * 60).then_some(Window { days, from, lasts, offset })
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        parse(text).ok_or_else(|| WindowError(text.chars().take(60).collect()))
    }
}

impl TryFrom<String> for Window {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Self, WindowError> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> String {
        window.to_string()
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != EVERY_DAY {
            let days: Vec<&str> = (0..7).filter(|day| self.days >> day & 1 == 1).map(|day| DAYS[day]).collect();
            write!(f, "{} ", days.join(","))?;
        }
        let to = self.from + self.lasts;
        let to = if to > 24 * 60 { to - 24 * 60 } else { to };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)?;
        match self.offset {
            0 => f.write_str(" UTC"),
            offset => {
                let sign = if offset < 0 { '-' } else { '+' };
                write!(f, " {sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_window_over_midnight_is_that_of_the_day_on_which_it_opens() {
        let window: Window = "fri 22:00-06:00".parse().unwrap();
        // 2026-11-20 is a Friday.
        for (time, open) in [
            ("2026-11-20T21:59:59Z", false),
            ("2026-11-20T22:00:00Z", true),
            ("2026-11-21T05:59:59Z", true),
            ("2026-11-21T06:00:00Z", false),
            ("2026-11-21T23:00:00Z", false),
        ] {
            assert_eq!(window.is_open(at(time)), open, "{time}");
        }
        assert_eq!(window.opening(at("2026-11-26T00:00:00Z")), Some(at("2026-11-20T22:00:00Z")));
    }

    #[test]
    fn an_offset_moves_it() {
        let window: Window = "mon 01:00-02:00 +02:00".parse().unwrap();
        // One o'clock on a Monday there is eleven in the evening of a Sunday in UTC.
        assert!(window.is_open(at("2026-11-22T23:30:00Z")));
        assert!(!window.is_open(at("2026-11-23T01:30:00Z")));
    }

    #[test]
    fn reads_days_and_whole_days_and_refuses_the_rest() {
        for (text, printed) in [
            ("22:00-06:00", "22:00-06:00 UTC"),
            ("sat,sun 00:00-24:00", "sat,sun 00:00-24:00 UTC"),
            ("sat-mon 00:00-24:00 UTC", "mon,sat,sun 00:00-24:00 UTC"),
            ("09:00-09:00", "09:00-09:00 UTC"),
            ("mon-sun 01:30-04:00 -03:30", "01:30-04:00 -03:30"),
        ] {
            assert_eq!(text.parse::<Window>().unwrap().to_string(), printed);
        }
        for bad in [
            "",
            "22:00",
            "22-06",
            "25:00-26:00",
            "24:00-01:00",
            "someday 01:00-02:00",
            "01:00-02:00 Berlin",
            "1:00-2:00",
            "01:00-02:00 +15:00",
            "mon tue 01:00-02:00",
            "01:00-02:00 UTC UTC",
            "x01:00-02:00",
        ] {
            assert!(bad.parse::<Window>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_prints_and_always_opened_within_a_week(
            days in 1u8..=0x7f, from in 0i64..24 * 60, lasts in 1i64..=24 * 60, offset in -840i64..=840, now in 0i64..4_000_000_000_000,
        ) {
            let window = Window { days, from, lasts, offset };
            prop_assert_eq!(window.to_string().parse::<Window>(), Ok(window));
            let now = Timestamp(now);
            let opened = window.opening(now).unwrap();
            prop_assert!(opened <= now && now.0 - opened.0 < 7 * DAY);
            prop_assert!(window.is_open(opened));
        }
    }
}
