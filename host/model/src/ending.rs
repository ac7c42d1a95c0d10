//! Connections that were ended here, and are still to be revoked where they were issued.
//!
//! Invariants: what is written down here is not used any more; it is kept until its provider has revoked it, or it is known that
//! nobody can have it revoked but a person; how that ended is in the log, for each.

use async_trait::async_trait;

use crate::{
    audit::Entry,
    connection::ConnectionKey,
    error::StoreError,
    id::ProviderId,
    secret::{Head, Slot},
    time::Timestamp,
};

/// A credential that is to be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Of which connection.
    pub key: ConnectionKey,
    /// Which of its generations was the last.
    pub generation: u64,
    /// Where it was issued; `None` where that cannot be read.
    pub provider: Option<ProviderId>,
    /// Since when it is not used any more.
    pub since: Timestamp,
    /// How often its provider was asked.
    pub tries: u32,
    /// Not asked again before.
    pub next: Timestamp,
}

/// Keeps what is to be revoked. Taking an installation out writes an ending for each of its connections.
#[async_trait]
pub trait EndingStore: Send + Sync {
    /// All that are not settled.
    async fn endings(&self) -> Result<Vec<Ending>, StoreError>;

    /// Ends a connection where its head is still `expected`: it is revoked from the entry's time on, and an ending is written that
    /// is first looked at by others than whoever wrote it at `next`. Together with the entry. False where the head is another.
    async fn end(&self, slot: &Slot, expected: Head, next: Timestamp, entry: Entry) -> Result<bool, StoreError>;

    /// Notes that its provider was asked once more, and when it is asked again.
    async fn put_off(&self, ending: &Ending, next: Timestamp) -> Result<(), StoreError>;

    /// Strikes it out, and deletes the credential where its installation was taken out. Together with the entry; false, and
    /// nothing is done, where somebody has settled it already.
    async fn settle(&self, ending: &Ending, entry: Entry) -> Result<bool, StoreError>;
}
