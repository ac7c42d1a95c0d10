//! What was done about each ticket, in the bucket `escalated`: a key a ticket.

use portcullis_sdk::Error;
use portcullis_sdk::kv::{self, Bucket};
use portcullis_sdk::tickets::Priority;

use crate::rules;

/// How far a ticket has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// Nothing was done yet.
    None,
    /// Its priority is being raised to this.
    Intended(Priority),
    /// All is done; it is never touched again.
    Done,
}

/// Where progress is kept.
pub struct Store(Bucket);

impl Store {
    pub fn open() -> Result<Self, Error> {
        Ok(Self(kv::open("escalated")?))
    }

    pub fn of(&self, ticket: &str) -> Result<Progress, Error> {
        let value = self.0.get_str(ticket)?;
        Ok(match value.as_deref() {
            None => Progress::None,
            Some(value) => match value.strip_prefix("intended ").and_then(rules::named) {
                Some(priority) => Progress::Intended(priority),
                None => Progress::Done,
            },
        })
    }

    pub fn set(&self, ticket: &str, progress: Progress) -> Result<(), Error> {
        match progress {
            Progress::None => self.0.delete(ticket),
            Progress::Intended(priority) => self.0.set(ticket, format!("intended {}", rules::name(priority))),
            Progress::Done => self.0.set(ticket, "done"),
        }
    }
}
