//! Values of options that several commands have.

use portcullis_model::{duty::Party, time::Timestamp};

/// A day, which begins at midnight in UTC, or a moment.
pub(super) fn day(text: &str) -> Result<Timestamp, String> {
    let moment = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")));
    moment.ok_or_else(|| "expected a day such as 2027-01-31, or an RFC 3339 time".to_owned())
}

/// A party by its name.
pub(super) fn party(text: &str) -> Result<Party, String> {
    let names = || Party::ALL.map(Party::name).join(", ");
    Party::ALL.into_iter().find(|party| party.name() == text).ok_or_else(|| format!("expected one of {}", names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_or_a_moment_and_a_party_by_its_name() {
        assert_eq!(day("2027-01-31").unwrap().to_string(), "2027-01-31T00:00:00.000Z");
        assert_eq!(day("2027-01-31T10:00:00+01:00").unwrap().to_string(), "2027-01-31T09:00:00.000Z");
        assert!(day("soon").is_err());
        assert_eq!(party("reviewer"), Ok(Party::Reviewer));
        assert!(party("me").unwrap_err().contains("platform, subscriber"));
    }
}
