//! The ports behind which alerts are kept, wait to be told, are signed and are posted.

use std::time::Duration;

use async_trait::async_trait;

use super::{Alert, AlertChange, AlertId, AlertList, AlertQuery, Endpoint, MuteScope, Notification};
use crate::{
    audit::Entry,
    error::StoreError,
    id::TenantId,
    queue::Verdict,
    secret::{SecretPut, Slot},
    time::Timestamp,
    webhook::{Shown, SignError},
};

/// Why an alert was not changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is none.
    #[error("there is no alert {0}")]
    Unknown(AlertId),
    /// It stands otherwise.
    #[error("{0}")]
    Unfit(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where alerts are kept. Each change is written together with its audit entry, or not at all.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Alerts, and what keeps others from being there.
    async fn alerts(&self, query: AlertQuery, now: Timestamp) -> Result<AlertList, StoreError>;

    /// One of them.
    async fn alert(&self, id: AlertId, now: Timestamp) -> Result<Option<Alert>, StoreError>;

    /// Changes what became of one. Its names are added to the entry.
    async fn change_alert(&self, id: AlertId, change: AlertChange, entry: Entry) -> Result<Alert, ChangeError>;

    /// Keeps a rule quiet until then. Takes the place of a mute of the same scope.
    async fn mute(&self, scope: MuteScope, until: Timestamp, entry: Entry) -> Result<(), StoreError>;

    /// Ends a mute before its time. False where none holds.
    async fn unmute(&self, scope: MuteScope, entry: Entry) -> Result<bool, StoreError>;
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct AlertSettled {
    /// The notification's number.
    pub number: u64,
    /// Whose endpoint.
    pub tenant: Option<TenantId>,
    /// Which setting of it.
    pub generation: u64,
    /// What becomes of the notification.
    pub verdict: Verdict,
    /// What the attempt showed about the endpoint.
    pub shown: Option<Shown>,
    /// When.
    pub now: Timestamp,
}

/// What came of trying an endpoint out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// A notification waits from now on.
    Queued,
    /// One waited already.
    Waits,
    /// There is no active endpoint.
    NoEndpoint,
}

/// Endpoints, and what waits to be told to them.
#[async_trait]
pub trait AlertOutbox: Send + Sync {
    /// All endpoints, the operator's first.
    async fn endpoints(&self) -> Result<Vec<Endpoint>, StoreError>;

    /// Sets one, where the generation of the one before it is `expected` (`None`: there is none), together with its first key, where
    /// that is made now. False, and nothing is changed, where somebody else was faster.
    async fn put_endpoint(
        &self,
        endpoint: Endpoint,
        expected: Option<u64>,
        keys: Option<SecretPut>,
        entry: Entry,
    ) -> Result<bool, StoreError>;

    /// Takes one away, with its keys, which lie there, and with what waits for it. False where there is none of that generation.
    async fn remove_endpoint(&self, endpoint: &Endpoint, keys: Slot, entry: Entry) -> Result<bool, StoreError>;

    /// Puts a notification into the queue that only tries an endpoint out, unless one waits there already.
    async fn try_endpoint(&self, tenant: Option<TenantId>, entry: Entry) -> Result<Trial, StoreError>;

    /// Takes up to `most` notifications that are due, for `hold` long, of endpoints that are active and not held back.
    async fn lease_notifications(
        &self,
        most: usize,
        now: Timestamp,
        hold: Duration,
    ) -> Result<Vec<Notification>, StoreError>;

    /// Ends a lease, with the entries of what happened, and notes what the attempt showed.
    async fn settle_notification(&self, settled: AlertSettled, entries: Vec<Entry>) -> Result<(), StoreError>;
}

/// Signs what endpoints are told.
#[async_trait]
pub trait SignAlerts: Send + Sync {
    /// The value of the header `webhook-signature`. `timestamp` is in seconds since 1970.
    async fn sign_alert(
        &self,
        tenant: Option<&TenantId>,
        id: &str,
        timestamp: i64,
        payload: &[u8],
    ) -> Result<String, SignError>;
}

/// An answer, less its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its status.
    pub status: u16,
    /// When to come again.
    pub wait: Option<Duration>,
}

/// Posts to endpoints.
#[async_trait]
pub trait AlertPost: Send + Sync {
    /// Posts JSON with these headers.
    ///
    /// # Errors
    /// In words, why there is no answer.
    async fn post(&self, url: &str, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Result<Posted, String>;
}
