//! The log as people read it: entries from the store by way of the index, and their leaves from the published log.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_audit::{Leaf, Log, LogVerifier};
use portcullis_model::{
    audit::{
        query::{Field, Filter},
        reader::{AuditReader, Found, Shown, Tally, Window},
    },
    error::StoreError,
    time::Timestamp,
};
use portcullis_store::{AuditIndex, SqliteStore};
use serde_json::Value;
use tokio::sync::watch;

use crate::home::Home;

/// How often a running host takes new entries up into the index.
const FOLLOW: Duration = Duration::from_millis(500);
/// Entries whose leaves lie in one file of the published log.
const BUNDLE: u64 = 256;

/// Reads the log of one host.
pub struct LogReader {
    store: Arc<SqliteStore>,
    index: AuditIndex,
    log: PathBuf,
    vkey: PathBuf,
}

impl LogReader {
    /// For this home's log.
    pub fn new(home: &Home, store: Arc<SqliteStore>) -> Self {
        let index = AuditIndex::new(&home.audit_index(), store.as_ref().clone());
        Self { store, index, log: home.log(), vkey: home.log_vkey() }
    }

    /// Takes up what is new. Gives how many entries the index has.
    pub async fn catch_up(&self) -> Result<u64, StoreError> {
        self.index.catch_up().await
    }

    /// Whether what was erased or disposed of is out of the index's files now; where not, why is logged.
    pub async fn forgets(&self) -> bool {
        match self.index.forget_taken_away().await {
            Ok(gone) => gone,
            Err(error) => {
                tracing::warn!(%error, "what was taken away from the log may still be in its index");
                false
            }
        }
    }

    /// Makes the index anew. Gives how many entries it has.
    pub async fn rebuild(&self) -> Result<u64, StoreError> {
        self.index.rebuild().await
    }

    /// Takes new entries up as they arrive, so that nobody who asks has to wait for many.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let _open = self.index.hold().await.inspect_err(|error| tracing::warn!(%error, "the index is not held open"));
        loop {
            if let Err(error) = self.index.catch_up().await {
                tracing::error!(%error, "the index of the audit log does not follow it");
            }
            tokio::select! {
                () = tokio::time::sleep(FOLLOW) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// The published log at its newest checkpoint; none where nothing was published yet.
    fn newest(&self) -> Result<Option<Log>, StoreError> {
        if !self.log.join("checkpoint").exists() {
            return Ok(None);
        }
        let failed = |why: String| StoreError(format!("the published log cannot be read: {why}"));
        let vkey = std::fs::read_to_string(&self.vkey).map_err(|error| failed(error.to_string()))?;
        let key = LogVerifier::parse(vkey.trim()).map_err(|error| failed(error.to_string()))?;
        Log::open(&self.log, &key).map(Some).map_err(|error| failed(error.to_string()))
    }
}

#[async_trait]
impl AuditReader for LogReader {
    async fn written(&self) -> Result<u64, StoreError> {
        self.store.entry_count().await
    }

    async fn published(&self) -> Result<u64, StoreError> {
        Ok(tokio::task::block_in_place(|| self.newest())?.map_or(0, |log| log.head().size()))
    }

    async fn search(&self, filter: &Filter, window: Window) -> Result<Found, StoreError> {
        self.index.search(filter, window).await
    }

    async fn newest_each(
        &self,
        filter: &Filter,
        field: Field,
        values: &[String],
    ) -> Result<BTreeMap<String, (u64, Timestamp)>, StoreError> {
        self.index.newest_each(filter, field, values).await
    }

    async fn tally(&self, filter: &Filter, field: Field, begins: &str) -> Result<BTreeMap<String, Tally>, StoreError> {
        self.index.tally(filter, field, begins).await
    }

    async fn per_day(&self, filter: &Filter) -> Result<BTreeMap<i64, u64>, StoreError> {
        self.index.per_day(filter).await
    }

    async fn follow(&self, from: u64, most: usize) -> Result<Vec<Shown>, StoreError> {
        self.index.entries(from, most).await
    }

    async fn add_leaves(&self, entries: &mut [Shown]) -> Result<(), StoreError> {
        tokio::task::block_in_place(|| {
            let Some(log) = self.newest()? else { return Ok(()) };
            let size = log.head().size();
            let mut leaves = BTreeMap::new();
            for shown in entries.iter_mut().filter(|shown| shown.index < size) {
                if !leaves.contains_key(&shown.index) {
                    let start = shown.index / BUNDLE * BUNDLE;
                    leaves.clear();
                    log.entries(start..size.min(start + BUNDLE), |index, bytes| {
                        leaves.insert(index, leaf(bytes));
                    })
                    .map_err(|error| StoreError(format!("the published log cannot be read: {error}")))?;
                }
                shown.leaf = leaves.get(&shown.index).cloned().flatten();
            }
            Ok(())
        })
    }
}

/// A leaf as it stands in the log. None for an entry of a log that is older than views: there the body is the leaf.
fn leaf(bytes: &[u8]) -> Option<Value> {
    Leaf::read(bytes)?;
    serde_json::from_slice(bytes).ok()
}
