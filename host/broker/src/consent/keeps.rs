//! What consents need of whoever keeps credentials.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    connection::{ConnectionKey, ConnectionView, Origin},
    id::{ConsentId, TenantId},
    secret::Secret,
    time::Timestamp,
};

use crate::{issue::Credential, place::Place};

/// The vault could not do what it was asked. Holds no secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeepError(pub String);

/// Keeps credentials, sealed. Each change is written together with its audit entry.
#[async_trait]
pub trait Keeps: Send + Sync {
    /// Stores a credential and takes it into use, in place of the one of that key. It counts as stored at the entry's time. Gives
    /// its generation; an error says that it is not stored.
    async fn put(
        &self,
        key: &ConnectionKey,
        place: &Place,
        origin: &Origin,
        credential: Credential,
        expires: Option<Timestamp>,
        entry: Entry,
    ) -> Result<u64, KeepError>;

    /// The credential of a connection and where it is from; `None` where there is no such connection.
    async fn credential(&self, key: &ConnectionKey) -> Result<Option<(Origin, Credential)>, KeepError>;

    /// Whether a credential of this connection was stored at just this time: known for ten minutes after another took its place.
    async fn stored_at(&self, key: &ConnectionKey, at: Timestamp) -> Result<bool, KeepError>;

    /// All connections, as everybody may see them.
    async fn views(&self) -> Result<Vec<ConnectionView>, KeepError>;

    /// Holds a client's secret while a person is asked; it goes into no request before that is over.
    async fn hold(
        &self,
        consent: &ConsentId,
        tenant: &TenantId,
        client: &Secret,
        entry: Entry,
    ) -> Result<(), KeepError>;

    /// What is held for a consent.
    async fn held(&self, consent: &ConsentId, tenant: &TenantId) -> Result<Option<Secret>, KeepError>;

    /// For which consents something is held.
    async fn all_held(&self) -> Result<Vec<(ConsentId, TenantId)>, KeepError>;

    /// Forgets what is held for a consent, if anything is.
    async fn release(&self, consent: &ConsentId, tenant: &TenantId) -> Result<(), KeepError>;
}
