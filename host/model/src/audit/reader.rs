//! The port that people and programs read the log through.
//!
//! Invariants: what is read is what is durable; entries come in the order of the log, or exactly against it, each once; an export
//! never goes past what a signed checkpoint covers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Entry, Opening,
    query::{Field, Filter, Terms},
};
use crate::{error::StoreError, time::Timestamp};

/// The most entries of one page.
pub const LARGEST_PAGE: usize = 1_000;

/// An entry as it is shown to whoever may read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// Its index in the host's log, from 0; what a proof of it is asked for by.
    pub index: u64,
    /// What can be read of it, personal values that were not erased included. Absent where nothing can be.
    pub entry: Option<Entry>,
    /// Why it cannot be read, or not wholly trusted, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The text that is hashed: SHA-256 over a byte of zero and these bytes. Absent where it was disposed of, or not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What the commitments in the body commit to, as far as that is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub openings: Vec<Opening>,
    /// By which entries values of it were erased: index by field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub erased: BTreeMap<String, u64>,
    /// Which entry says that this one was disposed of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposed: Option<u64>,
    /// Its leaf in the host's log, where it was asked for and is published: the head of its view, with its place there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<Value>,
}

/// A [`Shown`] less its body and openings, under the same names.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Brief<'a> {
    index: u64,
    entry: &'a Option<Entry>,
    #[serde(skip_serializing_if = "is_none")]
    fault: &'a Option<String>,
    #[serde(skip_serializing_if = "is_empty")]
    erased: &'a BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "is_none")]
    disposed: &'a Option<u64>,
    #[serde(skip_serializing_if = "is_none")]
    leaf: &'a Option<Value>,
}

fn is_none<T>(one: &&Option<T>) -> bool {
    one.is_none()
}

fn is_empty(erased: &&BTreeMap<String, u64>) -> bool {
    erased.is_empty()
}

impl Shown {
    /// The same less body and openings, for those who only look on.
    pub fn brief(&self) -> Brief<'_> {
        let Self { index, entry, fault, erased, disposed, leaf, body: _, openings: _ } = self;
        Brief { index: *index, entry, fault, erased, disposed, leaf }
    }
}

/// Which part of the log is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From this index on.
    pub from: u64,
    /// To before this one.
    pub to: u64,
    /// The newest first.
    pub backwards: bool,
    /// At most this many; never more than [`LARGEST_PAGE`].
    pub most: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The entries.
    pub entries: Vec<Shown>,
    /// The next window's `from`, or its `to` where it goes backwards; absent where the window was looked through.
    pub next: Option<u64>,
}

/// How often something was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many entries have it.
    pub count: u64,
    /// The newest of them.
    pub newest: u64,
    /// When that was written.
    pub last: Timestamp,
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// The day of a moment, in UTC: how many days after 1970-01-01.
pub fn day_of(time: Timestamp) -> i64 {
    time.0.div_euclid(DAY)
}

/// Reads the log.
#[async_trait]
pub trait AuditReader: Send + Sync {
    /// How many entries are durable.
    async fn written(&self) -> Result<u64, StoreError>;

    /// How many of them the newest checkpoint covers. An error where the published log cannot be read: the rest still can.
    async fn published(&self) -> Result<u64, StoreError>;

    /// Entries that a filter means.
    async fn search(&self, filter: &Filter, window: Window) -> Result<Found, StoreError>;

    /// For each of these values of a field: index and time of the newest entry that a filter means and that has it. Values that none
    /// has are left out.
    async fn newest_each(
        &self,
        filter: &Filter,
        field: Field,
        values: &[String],
    ) -> Result<BTreeMap<String, (u64, Timestamp)>, StoreError> {
        let (mut found, to) = (BTreeMap::new(), self.written().await?);
        for value in values {
            let window = Window { from: 0, to, backwards: true, most: 1 };
            let one = self.search(&filter.clone().and(field, value.as_str()), window).await?.entries;
            let newest = one.first().and_then(|shown| Some((shown.index, shown.entry.as_ref()?.time)));
            found.extend(newest.map(|newest| (value.clone(), newest)));
        }
        Ok(found)
    }

    /// How many entries a filter means of each value of a field that begins so.
    async fn tally(&self, filter: &Filter, field: Field, begins: &str) -> Result<BTreeMap<String, Tally>, StoreError> {
        let mut all = BTreeMap::new();
        for (newest, entry) in everything(self, filter).await? {
            let terms = Terms::of(&entry);
            for value in terms.all(field).filter(|value| value.starts_with(begins)) {
                let tally = all.entry(value.to_owned()).or_insert(Tally { count: 0, newest, last: entry.time });
                *tally = Tally { count: tally.count + 1, newest, last: entry.time };
            }
        }
        Ok(all)
    }

    /// How many entries a filter means on each day, as [`day_of`] has it. Days without any are left out.
    async fn per_day(&self, filter: &Filter) -> Result<BTreeMap<i64, u64>, StoreError> {
        let mut days = BTreeMap::new();
        for (_, entry) in everything(self, filter).await? {
            *days.entry(day_of(entry.time)).or_insert(0) += 1;
        }
        Ok(days)
    }

    /// Up to `most` entries from an index on, none left out.
    async fn follow(&self, from: u64, most: usize) -> Result<Vec<Shown>, StoreError>;

    /// Adds their leaves to entries that are published.
    async fn add_leaves(&self, entries: &mut [Shown]) -> Result<(), StoreError>;
}

/// All that a filter means, page by page: for whoever reads a log without an index.
async fn everything<R: AuditReader + ?Sized>(reader: &R, filter: &Filter) -> Result<Vec<(u64, Entry)>, StoreError> {
    let (mut all, mut from, to) = (Vec::new(), 0, reader.written().await?);
    loop {
        let found = reader.search(filter, Window { from, to, backwards: false, most: LARGEST_PAGE }).await?;
        all.extend(found.entries.into_iter().filter_map(|shown| Some((shown.index, shown.entry?))));
        match found.next {
            Some(next) => from = next,
            None => return Ok(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Actor, Kind};

    #[test]
    fn a_brief_is_the_same_less_body_and_openings() {
        let entry = Entry::new(Timestamp(0), Kind::HostStarted, Actor::Host, None);
        let bare = Shown {
            index: 7,
            entry: Some(entry),
            fault: None,
            body: None,
            openings: Vec::new(),
            erased: BTreeMap::new(),
            disposed: None,
            leaf: None,
        };
        let full = Shown {
            entry: None,
            fault: Some("no".into()),
            erased: [("resource".to_owned(), 8)].into(),
            disposed: Some(9),
            leaf: Some(1.into()),
            ..bare.clone()
        };
        let opening = Opening { field: "resource".into(), salt: [1; 32], value: "user:7".into() };
        for shown in [bare, full] {
            let with = Shown { body: Some("{}".into()), openings: vec![opening.clone()], ..shown.clone() };
            assert_eq!(serde_json::to_string(&with.brief()).unwrap(), serde_json::to_string(&shown).unwrap());
        }
    }
}
