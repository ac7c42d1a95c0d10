//! From the store's entries to the published log: the head of a view for each, tiles, and a signed checkpoint.
//!
//! Invariants: the order is tags of views, leaves and checkpoint, tiles of views: what a crash takes of the last is made again
//! from the published log alone; the head moves by compare-and-swap, and so do the views; whatever fails on the way, everything
//! is read anew before the next try.

mod anew;
mod forest;
pub(crate) mod keys;

use std::{path::Path, sync::Arc};

pub use anew::{Ended, begin_anew};
use anyhow::{Context, Result, bail};
use forest::Forest;
pub use forest::tiles_of;
use portcullis_audit::{Leaf, Log, LogError, Publisher, record_hash};
use portcullis_model::time::{Clock, Rng};
use portcullis_store::{LogRow, LogState, SqliteStore};

use crate::{
    home::Home,
    system::{SystemClock, SystemRng},
};

/// The most entries that one checkpoint adds.
const BATCH: usize = 4_096;

/// Publishes what is not published yet.
pub struct LogPublisher {
    store: Arc<SqliteStore>,
    home: Home,
    rng: Arc<dyn Rng>,
    clock: Arc<dyn Clock>,
    open: Option<Open>,
}

/// A log that is opened.
struct Open {
    publisher: Publisher,
    forest: Forest,
    state: LogState,
    keys: keys::Held,
}

/// What one step came to.
enum Step {
    Nothing,
    Published,
    /// Another process was faster: everything is read again.
    Moved,
}

impl LogPublisher {
    /// For this home's log.
    pub fn new(home: &Home, store: Arc<SqliteStore>) -> Self {
        Self { store, home: home.clone(), rng: Arc::new(SystemRng), clock: Arc::new(SystemClock), open: None }
    }

    /// Publishes all that is in the store. Gives the log's size. An error where the store does not go on from where the
    /// log ends: entries that are published can only have been lost or changed in the store.
    pub async fn catch_up(&mut self) -> Result<u64> {
        loop {
            let mut open = match self.open.take() {
                Some(open) if !open.keys.are_over(self.clock.now()) => open,
                _ => match self.opened().await? {
                    Some(open) => open,
                    None => continue,
                },
            };
            let step = self.step(&mut open).await?;
            let size = open.publisher.size();
            if !matches!(step, Step::Moved) {
                self.open = Some(open);
            }
            if matches!(step, Step::Nothing) {
                return Ok(size);
            }
        }
    }

    /// None: another process published in between.
    async fn opened(&self) -> Result<Option<Open>> {
        keys::retire(&self.home, &self.store, self.clock.now()).await?;
        let (held, keys) = keys::Held::read(&self.home)?;
        // Before the log is: views are never ahead of it, whoever publishes in between.
        let mut state = self.store.log_state().await?;
        let mut publisher = tokio::task::block_in_place(|| Publisher::open(&self.home.log(), keys))?;
        let size = publisher.size();
        if state.advanced > size.max(state.leaves_from) {
            bail!(
                "the published log has {size} entries, and the database knows of {}; was the log restored from an older backup? \
                 Restore the home directory whole",
                state.advanced
            );
        }
        self.continues(&publisher, state).await?;
        let mut forest = Forest::new(self.store.clone());
        while state.advanced < size {
            // A log that is older than views, or one whose publisher died before it had stored them.
            let to = size.min(state.advanced + BATCH as u64);
            if !self.make_up(&publisher, &mut forest, state.advanced..to).await? {
                return Ok(None);
            }
            state.advanced = to;
        }
        if !publisher.is_signed_by_all()? {
            // The log's own head last: as long as it is not signed, all of this is done again.
            forest.sign_again(&publisher).await?;
            match tokio::task::block_in_place(|| publisher.sign_again()) {
                Ok(_) => {}
                Err(LogError::Moved(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(Open { publisher, forest, state, keys: held }))
    }

    /// Advances views over leaves that are published already. False where somebody else did meanwhile.
    async fn make_up(&self, publisher: &Publisher, forest: &mut Forest, range: std::ops::Range<u64>) -> Result<bool> {
        let log = Log::at(&self.home.log(), publisher.head().clone());
        let (from, to, mut leaves) = (range.start, range.end, Vec::new());
        tokio::task::block_in_place(|| log.entries(range, |index, bytes| leaves.push((index, Leaf::read(bytes)))))?;
        for (index, leaf) in leaves {
            let leaf = leaf.with_context(|| format!("entry {index} of the published log is no head of a view"))?;
            if forest.by_tag(&leaf.view).await?.push_hash(index, leaf.entry) != leaf {
                if self.store.log_state().await?.advanced != from {
                    return Ok(false);
                }
                bail!(
                    "entry {index} of the published log is not the head that its view has there; was the database restored from \
                     a backup? Restore the home directory whole, or make the views' tiles anew with 'portcullis audit rebuild'"
                );
            }
        }
        Ok(self.store.advance_views(from, to, forest.changes(publisher)?).await?)
    }

    async fn step(&self, open: &mut Open) -> Result<Step> {
        let Open { publisher, forest, state, .. } = open;
        let size = publisher.size();
        let fresh = self.store.log_rows(size, BATCH).await?;
        let Some(last) = fresh.last() else { return Ok(Step::Nothing) };
        let next = last.index + 1;
        forest.make(fresh.iter().filter(|row| row.index >= state.leaves_from), self.rng.as_ref()).await?;
        let mut entries = Vec::with_capacity(fresh.len());
        for row in fresh {
            entries.push(entry(forest, row, state.leaves_from).await?);
        }
        match tokio::task::block_in_place(|| publisher.append(&entries)) {
            Ok(_) => {}
            Err(LogError::Moved(_)) => return Ok(Step::Moved),
            Err(error) => return Err(error.into()),
        }
        let to = next.max(state.advanced);
        if !self.store.advance_views(state.advanced, to, forest.changes(publisher)?).await? {
            return Ok(Step::Moved);
        }
        state.advanced = to;
        Ok(Step::Published)
    }

    /// Checks that the last published entry is the store's entry at that index.
    async fn continues(&self, publisher: &Publisher, state: LogState) -> Result<()> {
        let size = publisher.size();
        let Some(last) = size.checked_sub(1) else { return Ok(()) };
        let published = logged(&self.home.log(), publisher, last)?;
        let same = |body: &[u8]| match Leaf::read(&published) {
            Some(leaf) if last >= state.leaves_from => leaf.entry == record_hash(body),
            _ => published == body,
        };
        match self.store.log_rows(last, 1).await?.first() {
            Some(LogRow { body: Some(body), .. }) if !same(body) => bail!(
                "the database's audit entry {last} is not the one that is published; was it restored from a backup, or edited? \
                 'portcullis audit verify' names the entries that differ"
            ),
            // One that was disposed of is judged by the log alone.
            Some(_) => Ok(()),
            None => bail!(
                "the published log has {size} entries, the database only {}; was it restored from an older backup? Restore the \
                 home directory whole",
                self.store.entry_count().await?
            ),
        }
    }
}

/// The bytes that stand in the log for an entry.
async fn entry(forest: &mut Forest, row: LogRow, leaves_from: u64) -> Result<Vec<u8>> {
    let body =
        row.body.with_context(|| format!("audit entry {} was disposed of before it was published", row.index))?;
    if row.index < leaves_from {
        return Ok(body);
    }
    Ok(forest.of(row.tenant.as_ref()).await?.push(row.index, &body).encode())
}

fn logged(dir: &Path, publisher: &Publisher, index: u64) -> Result<Vec<u8>> {
    let mut found = Vec::new();
    let log = Log::at(dir, publisher.head().clone());
    tokio::task::block_in_place(|| log.entries(index..index + 1, |_, bytes| found = bytes.to_vec()))?;
    Ok(found)
}

#[cfg(test)]
mod tests;
