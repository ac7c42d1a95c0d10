//! Time and randomness, injected: nothing in the host reads a clock or a random source by itself.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. Printed and serialized as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(pub i64);

/// From the beginning of the year 0 to the end of the year 9999, in milliseconds since 1970.
const PRINTABLE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

impl Timestamp {
    /// Reads RFC 3339, with any offset. `None` where the text is no such time, or one outside of the years 0 to 9999 in UTC,
    /// which could be written and not be read again.
    pub fn parse(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok()?;
        PRINTABLE.contains(&millis).then_some(Self(millis))
    }

    /// This moment and `by` after it; the last one there is, where that is too far.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How far this is from `other`, in either direction.
    pub fn distance(self, other: Self) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|at| at.format(&form).ok());
        f.write_str(text.as_deref().unwrap_or("out-of-range"))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("'{text}' is not an RFC 3339 time"))
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> String {
        at.to_string()
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// Where randomness comes from. Fit for keys and tokens.
pub trait Rng: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_again_is_no_time() {
        for text in ["9999-12-31T23:00:00-02:00", "0000-01-01T00:00:00+02:00"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        for text in ["9999-12-31T23:59:59.999Z", "0000-01-01T00:00:00.000Z"] {
            let time = Timestamp::parse(text).unwrap();
            assert_eq!(Timestamp::parse(&time.to_string()), Some(time), "{text}");
        }
    }

    #[test]
    fn reads_what_it_prints_and_any_offset() {
        let at = Timestamp::parse("2026-10-27T09:30:00.250+01:00").unwrap();
        assert_eq!(at.to_string(), "2026-10-27T08:30:00.250Z");
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }
}
