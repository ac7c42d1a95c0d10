//! Known vulnerabilities of the packages that a component was made of, from a file on this machine: records in OSV's form
//! (<https://ossf.github.io/osv-schema/>), in which RustSec, GitHub and PyPA publish.
//!
//! Nothing is fetched. An operator brings records here, from wherever they are kept; they become one file, and a release is matched
//! against that file. Without the file nothing is known, which is never the same as "none".
//!
//! Invariants: records are what strangers wrote: each is read within bounds, and its texts are escaped; a withdrawn record counts
//! for nothing; what cannot be compared (a version that is missing or that nobody can read) is told as uncertain, never passed over.

mod collect;
mod database;
mod matching;
mod record;
mod severity;
mod version;

pub use collect::{Collected, Collector, MAX_RECORD};
pub use database::{Database, MAX_DATABASE, Summary};
pub use matching::Finding;
pub use record::{Advisory, Affected, Event, Range, RangeKind};
pub use severity::{Rating, Severity};

/// What is wrong with records, or with the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdvisoryError {
    /// Not a record in OSV's form.
    #[error("not an OSV record: {0}")]
    NotRecord(String),
    /// A record is larger than [`MAX_RECORD`].
    #[error("a record of {0} bytes; the most is {MAX_RECORD}")]
    RecordTooLarge(usize),
    /// The file is larger than [`MAX_DATABASE`].
    #[error(
        "the advisories have {0} bytes; the most is {MAX_DATABASE}: keep to the ecosystems that plugins are made of"
    )]
    DatabaseTooLarge(usize),
    /// The file is not one that this host wrote, or it was changed.
    #[error("the file of advisories cannot be used: {0}; make it anew with 'portcullis advisories update --from ...'")]
    Damaged(String),
}

#[cfg(test)]
mod tests;
