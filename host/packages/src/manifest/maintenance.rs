//! What the publisher promises about upkeep (MNT-1): until when, how soon a security hole is closed, whom to tell of one.
//!
//! Invariant: a promise is whole or there is none.

use std::fmt;

use serde::Serialize;

use super::{
    ManifestError,
    key::{CONTACT, Form, Key},
    period::{DATE, DAYS, Date, Days},
    table::Reader,
};

const UNTIL: Key = Key::must(
    "until",
    Form::Text(DATE, 10),
    "\"2027-12-31\"",
    "The last day, in UTC, on which the publisher still maintains the plugin.",
);
const FIXES: Key = Key::must(
    "security-fixes-within",
    Form::Text(DAYS, 6),
    "\"30d\"",
    "Within how many days of a report a security hole is closed by a new release.",
);
const WHOM: Key =
    Key::must("contact", CONTACT, "\"mailto:security@example.com\"", "Where to report a vulnerability of the plugin.");

pub(super) const KEYS: &[Key] = &[UNTIL, FIXES, WHOM];

/// What the publisher promises about upkeep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Maintenance {
    /// The last day of upkeep.
    pub until: Date,
    /// How soon after a report a security hole is closed.
    pub security_fixes_within: Days,
    /// Where to report a vulnerability: an `https` or `mailto` URL.
    pub contact: String,
}

impl Maintenance {
    pub(super) fn read(table: &Reader<'_>) -> Result<Self, ManifestError> {
        Ok(Self {
            until: table.parsed(&UNTIL)?,
            security_fixes_within: table.parsed(&FIXES)?,
            contact: table.url(&WHOM)?,
        })
    }
}

impl fmt::Display for Maintenance {
    /// One clause, for an admin.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.security_fixes_within.words();
        write!(f, "promised until {}, security fixes within {days}; report holes to {}", self.until, self.contact)
    }
}
