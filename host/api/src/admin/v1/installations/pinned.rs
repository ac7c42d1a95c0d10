//! The store of installations, as one request sees it: bound to the version that it was made for, and where it is only tried
//! out, without a hand to write with.
//!
//! Invariants: a change is written over the version that whoever asks has seen, or not at all; a rehearsal goes through all
//! that the change itself would, and writes nothing.

use async_trait::async_trait;
use portcullis_model::{
    audit::{Entry, RecordError, Recorder},
    erasure::{Erased, ErasureStore, Stopped},
    error::StoreError,
    incident::HeldBy,
    installation::{Installation, InstallationStore},
};

/// A store for one request.
pub(super) struct Pinned<'a> {
    pub inner: &'a dyn InstallationStore,
    /// What one is taken out of.
    pub leaving: &'a dyn ErasureStore,
    /// Which version is changed; any, where there is none yet.
    pub version: Option<u64>,
    pub dry_run: bool,
}

#[async_trait]
impl InstallationStore for Pinned<'_> {
    async fn installations(&self) -> Result<Vec<Installation>, StoreError> {
        self.inner.installations().await
    }

    async fn installations_revision(&self) -> Result<u64, StoreError> {
        self.inner.installations_revision().await
    }

    async fn put_installation(
        &self,
        installation: Installation,
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        if expected != self.version {
            return Ok(false);
        }
        if self.dry_run {
            return Ok(true);
        }
        self.inner.put_installation(installation, expected, entry).await
    }

    async fn held_by(&self, installation: &Installation) -> Result<Option<HeldBy>, StoreError> {
        self.inner.held_by(installation).await
    }
}

#[async_trait]
impl ErasureStore for Pinned<'_> {
    async fn would_stop(&self, installation: &Installation) -> Result<Stopped, StoreError> {
        self.leaving.would_stop(installation).await
    }

    async fn uninstall(
        &self,
        installation: Installation,
        expected: u64,
        entry: Entry,
    ) -> Result<Option<Stopped>, StoreError> {
        if Some(expected) != self.version {
            return Ok(None);
        }
        if self.dry_run {
            return self.leaving.would_stop(&installation).await.map(Some);
        }
        self.leaving.uninstall(installation, expected, entry).await
    }

    async fn erase(
        &self,
        installation: Installation,
        expected: u64,
        files: Erased,
        entry: Entry,
    ) -> Result<Option<Erased>, StoreError> {
        if Some(expected) != self.version {
            return Ok(None);
        }
        if self.dry_run {
            return Ok(Some(files));
        }
        self.leaving.erase(installation, expected, files, entry).await
    }
}

/// Writes down nothing.
pub(super) struct Silent;

#[async_trait]
impl Recorder for Silent {
    async fn record(&self, _: Vec<Entry>) -> Result<(), RecordError> {
        Ok(())
    }

    fn note(&self, _: Entry) {}
}
