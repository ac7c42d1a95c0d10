//! Days and dates, as a manifest has them: whole days, and the days of the calendar.
//!
//! Invariant: each is written in one way only, so that what was read is what stood there.

use std::{fmt, str::FromStr};

use portcullis_model::time::Timestamp;
use serde::Serialize;

/// The pattern of [`Days`].
pub(super) const DAYS: &str = "^[1-9][0-9]{0,4}d$";

/// The pattern of [`Date`].
pub(super) const DATE: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

/// A number of whole days, from 1 to 99,999: `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct Days(u32);

impl Days {
    /// How many.
    pub fn count(self) -> u32 {
        self.0
    }

    /// For people: `30 days`.
    pub(super) fn words(self) -> String {
        if self.0 == 1 { "1 day".to_owned() } else { format!("{} days", self.0) }
    }
}

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix('d').filter(|number| {
            (1..=5).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0')
        });
        let days = number.and_then(|number| number.parse().ok());
        days.map(Self).ok_or_else(|| format!("'{text}' is no number of days from 1d to 99999d, such as 30d"))
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.0)
    }
}

impl From<Days> for String {
    fn from(days: Days) -> String {
        days.to_string()
    }
}

/// A day of the calendar, in UTC: `2027-12-31`. An earlier one is less than a later one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Date(String);

impl Date {
    /// As it is written, `YYYY-MM-DD`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the day is over at this moment.
    pub fn is_over(&self, now: Timestamp) -> bool {
        // The first moment of the day as text is the day itself and more: what begins with another day is later or earlier.
        now.to_string().get(..self.0.len()).is_some_and(|today| today > self.0.as_str())
    }
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shaped = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        match shaped && Timestamp::parse(&format!("{text}T00:00:00Z")).is_some() {
            true => Ok(Self(text.to_owned())),
            false => Err(format!("'{text}' is no date YYYY-MM-DD, such as 2027-12-31")),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_in_one_way() {
        for text in ["1d", "30d", "99999d"] {
            assert_eq!(text.parse::<Days>().map(|days| days.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("1d".parse::<Days>().unwrap().words(), "1 day");
        for text in ["", "d", "0d", "030d", "30", "30h", "+3d", "-3d", "3 d", "100000d", "3D", "٣d"] {
            assert!(text.parse::<Days>().unwrap_err().contains("such as 30d"), "{text}");
        }
    }

    #[test]
    fn a_date_is_a_day_that_there_is() {
        for text in ["2027-12-31", "2028-02-29", "0001-01-01"] {
            assert_eq!(text.parse::<Date>().map(|date| date.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "2027-02-29", "2027-13-01", "2027-1-1", "2027-12-31 ", "27-12-2031", "2027-12-31T00:00:00Z"] {
            assert!(text.parse::<Date>().unwrap_err().contains("YYYY-MM-DD"), "{text}");
        }
    }

    #[test]
    fn a_day_is_over_when_the_next_one_begins() {
        let date: Date = "2027-12-31".parse().unwrap();
        for (now, over) in
            [("2027-12-30T23:59:59.999Z", false), ("2027-12-31T23:59:59.999Z", false), ("2028-01-01T00:00:00Z", true)]
        {
            assert_eq!(date.is_over(Timestamp::parse(now).unwrap()), over, "{now}");
        }
    }
}
