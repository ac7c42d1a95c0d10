//! The host's state in SQLite: events and deliveries, the audit entries, installations, releases, plugins' storage, sealed
//! secrets. And, in a database of its own, the embedded help desk that stands behind `tickets` and `users`; and plugins' private
//! directories, which are directories.
//!
//! What is ABSENT: decisions. This crate keeps what it is told and gives it back; it knows no scope, no signature and no
//! key.
//!
//! Invariants:
//! - every change goes through one writer ([`db::Db::write`]), which commits many changes with one fsync and answers only when
//!   they are durable;
//! - a change and its audit entry are in the same transaction;
//! - every statement on a tenant's rows names the tenant (DAT-11).
#![forbid(unsafe_code)]

mod alerts;
mod audit;
mod audit_index;
mod budgets;
mod consents;
pub mod db;
mod duties;
mod erasure;
mod files;
mod freezes;
pub mod helpdesk;
mod idempotency;
mod incidents;
mod installations;
mod kv;
mod listed;
mod oauth;
mod operations;
mod outlets;
mod people;
mod plugin_log;
mod privacy;
mod queue;
mod releases;
mod reviews;
mod rotations;
mod schema;
mod secrets;
mod snapshot;
mod sources;
#[cfg(test)]
mod spending;
mod tenants;
mod trust;
mod views;
mod webhooks;
mod witnesses;

use std::path::Path;

pub use alerts::{DetectCursor, DetectStep, MemoryCell};
pub use audit::{Announcement, Due, Erased as ErasedValues, StoredEntry, Which};
pub use audit_index::{AuditIndex, Held};
use db::Db;
pub use erasure::StoredValue;
pub use files::{PrivateDirs, Removed};
pub use kv::KvRows;
pub use operations::{Announcement as StatusAnnouncement, Newest};
use portcullis_model::error::StoreError;
pub use privacy::FoundCopy;
pub use snapshot::{Snapshot, problems};
pub use tenants::{Deletion, Leaving};
pub use views::{LogRow, LogState, StoredTile, StoredView, ViewChange};
pub use witnesses::LogWitness;

/// All of the model's storage ports on one SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    db: Db,
}

impl SqliteStore {
    /// Opens the file, or makes it, and brings its schema up to date.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: Db::open(file, schema::MIGRATIONS)? })
    }
}

#[cfg(test)]
mod testing {
    use std::sync::Arc;

    use portcullis_model::{
        audit::{Actor, Entry, Kind},
        event::{Event, EventForm},
        installation::{Installation, InstallationState},
        limits::Limits,
        time::Timestamp,
    };

    use super::SqliteStore;

    /// A store in a directory that lasts as long as the first value.
    pub fn store() -> (Arc<tempfile::TempDir>, SqliteStore) {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        (dir, store)
    }

    pub fn entry(kind: Kind) -> Entry {
        Entry::new(Timestamp(0), kind, Actor::Host, None)
    }

    pub fn event(id: &str) -> Event {
        Event {
            tenant: "acme".parse().unwrap(),
            origin: "zen".parse().unwrap(),
            id: id.to_owned(),
            kind: "zen:event-type:ticket.created".into(),
            source: "/hooks/zendesk/zen".into(),
            subject: Some("zen:ticket:1".into()),
            time: Timestamp(1),
            form: EventForm::Zendesk,
            trace: None,
            data: serde_json::json!({ "detail": { "id": "1" } }),
        }
    }

    pub fn installation(id: &str) -> Installation {
        Installation {
            id: id.parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            plugin: "com.example.plugin".parse().unwrap(),
            release: portcullis_model::id::Digest::of(b"component"),
            manifest: portcullis_model::id::Digest::of(b"manifest"),
            version: "0.1.0".into(),
            number: 1,
            state: InstallationState::Active,
            granted: vec!["kv:read".parse().unwrap()],
            limits: Limits::default(),
            upgrades: portcullis_model::upgrade::UpgradePolicy::Manual,
            previous: None,
            waiting: None,
            rolled_back: None,
            generation: 1,
        }
    }
}
