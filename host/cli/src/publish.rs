//! From the store's entries to the published log: tiles, and a signed checkpoint.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use portcullis_audit::{LogError, LogKey, Publisher};
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

    /// Publishes all that is in the store. Gives the log's size.
    pub async fn catch_up(&mut self) -> Result<u64> {
        loop {
            let (dir, key) = (&self.dir, &self.key);
            let publisher = match &mut self.open {
                Some(open) => open,
                none => {
                    let key = LogKey::read(key)?;
                    none.insert(tokio::task::block_in_place(|| Publisher::open(dir, key))?)
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
