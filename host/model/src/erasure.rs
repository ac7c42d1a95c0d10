//! Taking an installation away: what goes at once, what goes after a time of grace, and the counts that a receipt is made of.
//!
//! Invariant: each step is written together with its audit entry, in which its counts stand; counts and sizes, never content.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{audit::Entry, error::StoreError, installation::Installation};

/// What went when an installation was uninstalled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stopped {
    /// Credentials that were removed.
    pub secrets: u64,
    /// Deliveries that waited or were under way, and were closed.
    pub deliveries: u64,
}

/// What went when it was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Erased {
    /// Stored values.
    pub kv_rows: u64,
    /// Their size, in bytes.
    pub kv_bytes: u64,
    /// Files.
    pub files: u64,
    /// Their size, in bytes.
    pub file_bytes: u64,
    /// Credentials that had been left.
    pub secrets: u64,
    /// Lines of its log.
    pub log_lines: u64,
    /// Deliveries to it.
    pub deliveries: u64,
    /// Events of which the content was kept for its deliveries alone.
    pub queued_events: u64,
}

impl Erased {
    /// The entry, with each count in it.
    #[must_use]
    pub fn told(&self, entry: Entry) -> Entry {
        entry
            .with("kv-rows", self.kv_rows)
            .with("kv-bytes", self.kv_bytes)
            .with("files", self.files)
            .with("file-bytes", self.file_bytes)
            .with("secrets", self.secrets)
            .with("log-lines", self.log_lines)
            .with("deliveries", self.deliveries)
            .with("queued-events", self.queued_events)
    }
}

/// Storage of which an installation can be taken out.
#[async_trait]
pub trait ErasureStore: Send + Sync {
    /// What an uninstall of it would stop now.
    async fn would_stop(&self, installation: &Installation) -> Result<Stopped, StoreError>;

    /// Replaces the installation by one that is uninstalled, removes its credentials and closes its deliveries, if its
    /// generation is `expected`. The counts are added to the entry. `None` where somebody else was faster.
    async fn uninstall(
        &self,
        installation: Installation,
        expected: u64,
        entry: Entry,
    ) -> Result<Option<Stopped>, StoreError>;

    /// Replaces the installation by one that is erased, and removes everything that is kept under its id, if its generation is
    /// `expected`. `files`: what was removed outside of this storage already. All counts are added to the entry. `None` where
    /// somebody else was faster.
    async fn erase(
        &self,
        installation: Installation,
        expected: u64,
        files: Erased,
        entry: Entry,
    ) -> Result<Option<Erased>, StoreError>;
}
