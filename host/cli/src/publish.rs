//! From the store's entries to the published log: tiles, and a signed checkpoint.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, bail};
use portcullis_audit::{Checkpoint, Log, LogError, LogKey, Publisher};
use portcullis_store::SqliteStore;

use crate::home::Home;

/// The most entries that one checkpoint adds.
const BATCH: usize = 4_096;

/// Publishes what is not published yet.
pub struct LogPublisher {
    store: Arc<SqliteStore>,
    dir: PathBuf,
    key: PathBuf,
    open: Option<Publisher>,
}

impl LogPublisher {
    /// For this home's log.
    pub fn new(home: &Home, store: Arc<SqliteStore>) -> Self {
        Self { store, dir: home.log(), key: home.log_key(), open: None }
    }

    /// Publishes all that is in the store. Gives the log's size. An error where the store does not go on from where the
    /// log ends: entries that are published can only have been lost or changed in the store.
    pub async fn catch_up(&mut self) -> Result<u64> {
        loop {
            let publisher = match &mut self.open {
                Some(open) => open,
                none => {
                    let key = LogKey::read(&self.key)?;
                    let publisher = tokio::task::block_in_place(|| Publisher::open(&self.dir, key))?;
                    continues(&self.store, publisher.head().clone(), &self.dir).await?;
                    none.insert(publisher)
                }
            };
            let size = publisher.size();
            let fresh = self.store.entries(size, BATCH).await?;
            if fresh.is_empty() {
                return Ok(size);
            }
            let bodies: Vec<_> = fresh.into_iter().map(|entry| entry.body).collect();
            match tokio::task::block_in_place(|| publisher.append(&bodies)) {
                Ok(_) => {}
                // Another process published in between: read the head again.
                Err(LogError::Moved(_)) => self.open = None,
                Err(error) => {
                    self.open = None;
                    return Err(error.into());
                }
            }
        }
    }
}

/// Checks that the last published entry is the store's entry at that index.
async fn continues(store: &SqliteStore, head: Checkpoint, dir: &Path) -> Result<()> {
    let size = head.size();
    let Some(last) = size.checked_sub(1) else { return Ok(()) };
    let mut published = Vec::new();
    let log = Log::at(dir, head);
    tokio::task::block_in_place(|| log.entries(last..last + 1, |_, body| published = body.to_vec()))?;
    match store.entries(last, 1).await?.first() {
        Some(stored) if stored.body == published => Ok(()),
        Some(_) => bail!(
            "the database's audit entry {last} is not the one that is published; was it restored from a backup, or edited? \
             'portcullis audit verify' names the entries that differ"
        ),
        None => bail!(
            "the published log has {} entries, the database only {}; was it restored from an older backup? Restore the home \
             directory whole",
            size,
            store.entry_count().await?
        ),
    }
}
