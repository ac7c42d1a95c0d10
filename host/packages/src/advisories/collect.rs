//! Gathering records into a database: from single records, arrays of them, and lines of them.
//!
//! Invariant: a record that cannot be read spoils no other, and is counted.

use std::collections::BTreeMap;

use portcullis_model::audit::plain;

use super::{Advisory, AdvisoryError, Database};

/// The largest record, in bytes.
pub const MAX_RECORD: usize = 8 * 1024 * 1024;

/// How many reasons are kept.
const MAX_REASONS: usize = 10;

/// What became of the records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Taken, newer ones over older ones.
    pub kept: usize,
    /// Withdrawn, or about other ecosystems.
    pub passed_over: usize,
    /// Not records.
    pub broken: usize,
    /// Why the first of those are none: where, and what is wrong.
    pub reasons: Vec<String>,
}

/// Gathers records.
#[derive(Default)]
pub struct Collector {
    records: BTreeMap<String, Advisory>,
    so_far: Collected,
}

impl Collector {
    /// Takes in a text: one record, or an array of records. `place` is what to call it in a reason.
    pub fn add(&mut self, place: &str, text: &[u8]) {
        if text.len() > MAX_RECORD {
            return self.broken(place, &AdvisoryError::RecordTooLarge(text.len()));
        }
        match serde_json::from_slice(text) {
            Ok(serde_json::Value::Array(list)) => list.into_iter().for_each(|one| self.take(place, one)),
            Ok(one) => self.take(place, one),
            Err(error) => self.broken(place, &AdvisoryError::NotRecord(error.to_string())),
        }
    }

    fn take(&mut self, place: &str, record: serde_json::Value) {
        match Advisory::of(record) {
            Ok(Some(advisory)) => {
                let newer = |known: &Advisory| moment(&known.modified) < moment(&advisory.modified);
                if self.records.get(&advisory.id).is_none_or(newer) {
                    self.records.insert(advisory.id.clone(), advisory);
                }
            }
            Ok(None) => self.so_far.passed_over += 1,
            Err(error) => self.broken(place, &error),
        }
    }

    fn broken(&mut self, place: &str, error: &AdvisoryError) {
        self.so_far.broken += 1;
        if self.so_far.reasons.len() < MAX_REASONS {
            self.so_far.reasons.push(plain(&format!("{place}: {error}")));
        }
    }

    /// The database of all that was taken, and what became of the rest.
    pub fn finish(self) -> Result<(Database, Collected), AdvisoryError> {
        let kept = self.records.len();
        let database = Database::of(self.records.into_values().collect())?;
        Ok((database, Collected { kept, ..self.so_far }))
    }
}

/// A moment in a form that is in order as text: a longer fraction of the same second comes later.
pub(super) fn moment(text: &str) -> &str {
    text.trim_end_matches('Z')
}
