//! Outlets of the audit log: receivers outside that are sent its entries as they are written (MON-3), and the port that keeps how far
//! each is.
//!
//! Invariants: what an outlet has sent is said by one number, the first entry that is not known to have arrived, which never goes back;
//! turning an outlet on or off, and what is said of it in the log, is one change with its entry.

use async_trait::async_trait;

use crate::{audit::Entry, error::StoreError, time::Timestamp};

/// How an outlet stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlet {
    /// Its name: the section of the configuration that it is from.
    pub name: String,
    /// Where it leads, and whether with personal values, as one text.
    pub settings: String,
    /// The first entry that is not known to have arrived.
    pub next: u64,
    /// When an entry last arrived.
    pub sent: Option<Timestamp>,
    /// Since when the receiver does not take entries, where the log says so.
    pub failing: Option<Timestamp>,
    /// What is wrong, or was last.
    pub problem: Option<String>,
    /// Entries that were gone before they were sent, and of which the log does not say so yet.
    pub missed: Missed,
    /// How many records the receiver took notice of and would not keep.
    pub refused: u64,
}

/// Entries that could not be sent: disposed of, or damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// How many.
    pub count: u64,
    /// The first one's index.
    pub from: u64,
    /// The last one's.
    pub to: u64,
}

impl Missed {
    /// One entry.
    pub fn one(index: u64) -> Self {
        Self { count: 1, from: index, to: index }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.count, other.count) {
            (0, _) => other,
            (_, 0) => self,
            (a, b) => Self { count: a.saturating_add(b), from: self.from.min(other.from), to: self.to.max(other.to) },
        }
    }
}

/// What has become of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// All before this one have arrived, are missed or were refused.
    pub next: u64,
    /// Those of them that could not be sent.
    pub missed: Missed,
    /// How many of them the receiver would not keep.
    pub refused: u64,
}

/// Keeps how outlets stand.
#[async_trait]
pub trait OutletStore: Send + Sync {
    /// All of them, by name.
    async fn outlets(&self) -> Result<Vec<Outlet>, StoreError>;

    /// Turns one on, or gives it other settings, with the entry that says so; a new one begins with that entry. Where one of this name has
    /// these settings already, nothing is done and nothing written. Gives how it stands.
    async fn outlet_on(&self, name: &str, settings: &str, entry: Entry) -> Result<Outlet, StoreError>;

    /// Turns one off, with the entry that says so. False, and nothing done, where there is none of this name.
    async fn outlet_off(&self, name: &str, entry: Entry) -> Result<bool, StoreError>;

    /// Keeps how far one is. Never goes back.
    async fn outlet_at(&self, name: &str, progress: Progress, at: Timestamp) -> Result<(), StoreError>;

    /// Keeps what is wrong with one; with an entry, since when.
    async fn outlet_fails(&self, name: &str, problem: &str, entry: Option<Entry>) -> Result<(), StoreError>;

    /// Keeps that nothing is wrong with one any more, with the entry that says so where the log said that something was.
    async fn outlet_recovers(&self, name: &str, entry: Option<Entry>) -> Result<(), StoreError>;

    /// Says in the log what one missed; the count begins anew.
    async fn outlet_missed(&self, name: &str, entry: Entry) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_adds_up_to_one_range() {
        let none = Missed::default();
        assert_eq!(none.and(none), none);
        assert_eq!(none.and(Missed::one(7)), Missed::one(7));
        assert_eq!(Missed::one(9).and(Missed::one(7)).and(none), Missed { count: 2, from: 7, to: 9 });
    }
}
