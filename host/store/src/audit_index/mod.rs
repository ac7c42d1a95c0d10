//! An index of the audit log, in a file of its own: what entries can be found by, and nothing that could not be made again from them.
//!
//! For each term (a field and a value, [`Terms`](portcullis_model::audit::query::Terms)) and each 4,096 entries it has the set of those
//! that have the term. A filter is a meeting of such sets. It is filled by whoever asks, and by a running host as entries arrive;
//! never by those who write them.
//!
//! Full text is words among the terms, not SQLite's own: so that one comparison serves what is stored and what is live, and an
//! erased word is gone when its chunk was made anew.
//!
//! Invariants: an answer takes all entries into account that were durable when it was asked for; what was erased or disposed of is
//! no term any more, from the first look after it; an index that is damaged, or of another log, is made anew.

mod bits;
mod count;
mod file;
mod source;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use portcullis_model::{
    audit::{
        query::{Field, Filter},
        reader::{Found, LARGEST_PAGE, Shown, Tally, Window},
    },
    error::StoreError,
    time::Timestamp,
};
use rusqlite::Connection;

use self::{
    bits::{Bits, CHUNK},
    file::{Fault, File, Try},
};
use crate::{SqliteStore, db::Outcome};

/// The index, and the store whose log it is of.
#[derive(Clone)]
pub struct AuditIndex {
    path: PathBuf,
    store: SqliteStore,
}

/// An index that is held open.
pub struct Held(#[expect(dead_code, reason = "it is there to be open")] File);

impl AuditIndex {
    /// The index in this file, made when it is first needed.
    pub fn new(path: &Path, store: SqliteStore) -> Self {
        Self { path: path.to_owned(), store }
    }

    /// Takes up all entries that it does not have yet. Gives how many it has.
    pub async fn catch_up(&self) -> Outcome<u64> {
        self.with(follow).await
    }

    /// Keeps the file open, so that what is added to it is not carried over and flushed each time.
    pub async fn hold(&self) -> Outcome<Held> {
        self.with(|_, _| Ok(())).await?;
        let path = self.path.clone();
        self.store.db.read(move |_| File::open(&path).map(Held).map_err(told)).await
    }

    /// Follows the log, and takes what that took away out of the files as well. False where somebody was reading them. An index that
    /// was never made has nothing.
    pub async fn forget_taken_away(&self) -> Outcome<bool> {
        if !self.path.exists() {
            return Ok(true);
        }
        self.with(|file, log| {
            follow(file, log)?;
            file.wipe()
        })
        .await
    }

    /// Makes it anew. Gives how many entries it has.
    pub async fn rebuild(&self) -> Outcome<u64> {
        self.with(|file, log| {
            file.change(|| file.clear())?;
            follow(file, log)
        })
        .await
    }

    /// The entries of a window that a filter means.
    pub async fn search(&self, filter: &Filter, window: Window) -> Outcome<Found> {
        let filter = filter.clone();
        self.with(move |file, log| {
            let window = Window { to: window.to.min(follow(file, log)?), ..window };
            let (indices, next) = find(file, &filter, window)?;
            let entries = source::at(log, &indices)?.into_iter().map(source::show).collect();
            Ok(Found { entries, next })
        })
        .await
    }

    /// For each of these values of a field: index and time of the newest entry that a filter means and that has it. Values that none
    /// has are left out. One way through the log for all of them.
    pub async fn newest_each(
        &self,
        filter: &Filter,
        field: Field,
        values: &[String],
    ) -> Outcome<BTreeMap<String, (u64, Timestamp)>> {
        let (filter, values) = (filter.clone(), values.to_vec());
        self.with(move |file, log| {
            let end = follow(file, log)?;
            count::newest(file, &filter, (field, &values), end)
        })
        .await
    }

    /// How many entries a filter means of each value of a field that begins so.
    pub async fn tally(&self, filter: &Filter, field: Field, begins: &str) -> Outcome<BTreeMap<String, Tally>> {
        let (filter, begins) = (filter.clone(), begins.to_owned());
        self.with(move |file, log| {
            let end = follow(file, log)?;
            count::of_values(file, &filter, (field, &begins), end)
        })
        .await
    }

    /// How many entries a filter means on each day, in UTC.
    pub async fn per_day(&self, filter: &Filter) -> Outcome<BTreeMap<i64, u64>> {
        let filter = filter.clone();
        self.with(move |file, log| {
            let end = follow(file, log)?;
            count::of_days(file, &filter, end)
        })
        .await
    }

    /// Up to `most` entries from an index on, none left out. Needs no index.
    pub async fn entries(&self, from: u64, most: usize) -> Outcome<Vec<Shown>> {
        let most = most.min(LARGEST_PAGE) as u64;
        let read = move |log: &Connection| source::from(log, from, most);
        Ok(self.store.db.read(read).await?.into_iter().map(source::show).collect())
    }

    /// Runs this with the index open, and once more with a new one where it turns out to be unfit.
    async fn with<T, F>(&self, work: F) -> Outcome<T>
    where
        T: Send + 'static,
        F: Fn(&File, &Connection) -> Try<T> + Send + 'static,
    {
        let path = self.path.clone();
        self.store
            .db
            .read(move |log| {
                let attempt = || File::open(&path).and_then(|file| work(&file, log));
                let unfit = match attempt() {
                    Err(Fault::Unfit(why)) => why,
                    other => return other.map_err(told),
                };
                tracing::warn!(why = unfit, "the index of the audit log is made anew");
                file::remove(&path)
                    .map_err(|error| StoreError(format!("cannot remove {}: {error}", path.display())))?;
                attempt().map_err(told)
            })
            .await
    }
}

fn told(fault: Fault) -> StoreError {
    match fault {
        Fault::Unfit(why) => StoreError(format!("the index of the audit log is damaged: {why}")),
        Fault::Store(error) => error,
    }
}

/// Takes up what the index does not have yet, a chunk at a time.
fn follow(file: &File, log: &Connection) -> Try<u64> {
    let state = file.state()?;
    if let Some(last) = &state.last
        && source::mark(log, state.next.saturating_sub(1))?.as_ref() != Some(last)
    {
        return Err(Fault::Unfit(format!("it goes on from an entry {} that the log does not have", state.next)));
    }
    let mut next = state.next;
    let mut wiped = true;
    // What is written meanwhile is for who asks later.
    let end = source::count(log)?;
    while next < end {
        next = file.change(|| {
            // Another process may have been here.
            let next = file.state()?.next;
            let rows = source::from(log, next, CHUNK - next % CHUNK)?;
            file.add(&rows)?;
            let by: Vec<u64> = rows.iter().filter(|row| source::takes_away(row)).map(|row| row.index).collect();
            let end = next + rows.len() as u64;
            if !by.is_empty() {
                wiped = false;
                renew(file, log, &by, end)?;
            }
            Ok(end)
        })?;
    }
    if !wiped && !file.wipe()? {
        tracing::warn!("words that were erased stay in the index's file of recent changes until that is written over");
    }
    Ok(next)
}

/// Makes the chunks anew from whose entries something was taken away.
fn renew(file: &File, log: &Connection, by: &[u64], end: u64) -> Try<()> {
    let mut chunks: Vec<u64> = source::taken_from(log, by)?.iter().map(|index| index / CHUNK).collect();
    chunks.sort_unstable();
    chunks.dedup();
    let state = file.state()?;
    for chunk in chunks {
        file.forget(chunk)?;
        let from = chunk * CHUNK;
        file.add(&source::from(log, from, CHUNK.min(end.saturating_sub(from)))?)?;
    }
    file.restore(&state)
}

/// Indices that a filter means, and where to go on.
fn find(file: &File, filter: &Filter, window: Window) -> Try<(Vec<u64>, Option<u64>)> {
    let most = window.most.clamp(1, LARGEST_PAGE);
    let mut found = Vec::new();
    if window.from >= window.to {
        return Ok((found, None));
    }
    let (first, last) = (window.from / CHUNK, (window.to - 1) / CHUNK);
    for step in 0..=last - first {
        let chunk = if window.backwards { last - step } else { first + step };
        let bits = meeting(file, filter, window, chunk)?;
        let places = |place| chunk * CHUNK + place;
        let left = most - found.len();
        match window.backwards {
            true => found.extend(bits.places().into_iter().rev().map(places).take(left)),
            false => found.extend(bits.places().into_iter().map(places).take(left)),
        }
        if found.len() == most {
            break;
        }
    }
    let next = found.last().filter(|_| found.len() == most).and_then(|last| match window.backwards {
        true => (*last > window.from).then_some(*last),
        false => (last + 1 < window.to).then_some(last + 1),
    });
    Ok((found, next))
}

/// Which entries of a chunk are in the window and are meant.
fn meeting(file: &File, filter: &Filter, window: Window, chunk: u64) -> Try<Bits> {
    let start = chunk * CHUNK;
    let mut bits = Bits::range(window.from.saturating_sub(start), window.to - start);
    bits.and(&file.within(chunk, filter.since, filter.until)?);
    for (field, any) in filter.groups() {
        if bits.is_empty() {
            break;
        }
        let mut either = Bits::NONE;
        for pattern in any {
            either.or(&file.having(chunk, field, pattern)?);
        }
        bits.and(&either);
    }
    Ok(bits)
}
