//! An export of the log: one JSON text a line, in the order of the log, and a last line that says that it ended, and where the next
//! one goes on.
//!
//! Invariants: a line has the bytes that are hashed, so that each can be led to the published log by itself; without its last line an
//! export is not whole; the next one, from the cursor of the last line, begins with the first entry that this one could not have.

use serde::Serialize;
use serde_json::json;

use super::{
    query::{Cursor, Filter},
    reader::{AuditReader, LARGEST_PAGE, Shown, Window},
};
use crate::error::StoreError;

/// An export that is under way.
pub struct Export {
    filter: Filter,
    /// Where it goes on.
    from: u64,
    /// Where it began.
    began: u64,
    /// To before this one: what the newest checkpoint covered when it began.
    to: u64,
    ended: bool,
}

/// Why there is no export from a place.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log is shorter.
    #[error(
        "the cursor stands at entry {at}, and the published log has {published}: was it restored from an older copy? 'portcullis audit verify --at-least' with a checkpoint that was kept says more"
    )]
    Beyond {
        /// Where the cursor stands.
        at: u64,
        /// How many there are.
        published: u64,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Export {
    /// From a place on, or from the beginning, up to what is published.
    pub async fn begin(reader: &dyn AuditReader, filter: Filter, from: Option<Cursor>) -> Result<Self, ExportError> {
        let to = reader.published().await?;
        let from = from.map_or(0, |cursor| cursor.0);
        match from <= to {
            true => Ok(Self { filter, from, began: from, to, ended: false }),
            false => Err(ExportError::Beyond { at: from, published: to }),
        }
    }

    /// What it is of.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// From which index to before which.
    pub fn range(&self) -> (u64, u64) {
        (self.began, self.to)
    }

    /// The next lines, the last of all included; none where it has ended.
    pub async fn next(&mut self, reader: &dyn AuditReader) -> Result<Option<Lines>, StoreError> {
        if self.ended {
            return Ok(None);
        }
        let window = Window { from: self.from, to: self.to, backwards: false, most: LARGEST_PAGE };
        let mut found = reader.search(&self.filter, window).await?;
        reader.add_leaves(&mut found.entries).await?;
        let mut lines = Lines { text: String::new(), entries: found.entries.len() as u64 };
        for shown in &found.entries {
            lines.push(&Line { proof: shown.index, shown })?;
        }
        self.from = found.next.unwrap_or(self.to);
        if found.next.is_none() {
            self.ended = true;
            let cursor = self.cursor();
            lines.push(&json!({ "end_of_stream": true, "cursor": cursor, "published": self.to }))?;
        }
        Ok(Some(lines))
    }

    /// Where the next one goes on.
    pub fn cursor(&self) -> String {
        Cursor(self.from).encode(&self.filter)
    }
}

/// Some lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Their text, each with its end.
    pub text: String,
    /// How many are entries.
    pub entries: u64,
}

/// An entry, and what to ask for its proof by.
#[derive(Serialize)]
struct Line<'a> {
    proof: u64,
    #[serde(flatten)]
    shown: &'a Shown,
}

impl Lines {
    fn push(&mut self, value: &impl Serialize) -> Result<(), StoreError> {
        let text = serde_json::to_string(value).map_err(|error| StoreError(error.to_string()))?;
        self.text.push_str(&text);
        self.text.push('\n');
        Ok(())
    }
}
