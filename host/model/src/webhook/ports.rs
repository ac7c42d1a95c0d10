//! The ports behind which back ends are kept, messages wait, events are projected and payloads are signed.

use std::time::Duration;

use async_trait::async_trait;

use super::{BackEnd, Notice, Shown};
use crate::{
    audit::Entry,
    error::StoreError,
    event::Event,
    id::{InstallationId, TenantId},
    installation::Installation,
    queue::{DeliveryRow, Verdict},
    secret::SecretPut,
    time::Timestamp,
};

/// Where back ends are kept. Each change is written together with its audit entry, or not at all.
#[async_trait]
pub trait BackEnds: Send + Sync {
    /// All of them.
    async fn back_ends(&self) -> Result<Vec<BackEnd>, StoreError>;

    /// One installation's.
    async fn back_end(&self, installation: &InstallationId) -> Result<Option<BackEnd>, StoreError>;

    /// Adds one or replaces the installation's, where that one's generation is `expected` (`None`: there is none yet), together with
    /// its first keys, where they are made now. False, and nothing is changed, where somebody else was faster.
    async fn put_back_end(
        &self,
        back_end: BackEnd,
        expected: Option<u64>,
        keys: Option<SecretPut>,
        entry: Entry,
    ) -> Result<bool, StoreError>;

    /// Takes it away with its signing keys, and closes what waited for it; how much that was is added to the entry. False where
    /// there is none of that generation.
    async fn remove_back_end(&self, back_end: &BackEnd, entry: Entry) -> Result<bool, StoreError>;
}

/// A message that a worker holds.
#[derive(Clone, Debug)]
pub struct Sending {
    /// The delivery's number.
    pub delivery: i64,
    /// To whom, as it was when the worker took it.
    pub back_end: BackEnd,
    /// What happened.
    pub event: Event,
    /// True for a notice of the host's own; no source of events can bring one about.
    pub notice: bool,
    /// 1 the first time.
    pub attempt: u32,
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The delivery's number.
    pub delivery: i64,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What the attempt showed about which generation of whose back end; `None` where there was no attempt.
    pub shown: Option<(InstallationId, u64, Shown)>,
    /// When.
    pub now: Timestamp,
}

/// The messages to back ends. They lie in the queue of deliveries, beside those to plugins, and are taken from it apart.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes up to `most` messages that are due, oldest first, for `hold` long: of back ends that are active and not held back, and
    /// of active installations. Of one installation at most `each` are held at once. A lease that nobody settled by then is
    /// due again.
    async fn lease_sendings(
        &self,
        most: usize,
        each: usize,
        now: Timestamp,
        hold: Duration,
    ) -> Result<Vec<Sending>, StoreError>;

    /// Ends a lease, with the audit entries of what happened, and notes what the attempt showed. Where that disables the back end,
    /// an entry says so and what waits for it is put aside. Durable when it returns.
    async fn settle_sending(&self, settled: Settled, entries: Vec<Entry>) -> Result<(), StoreError>;

    /// Stores a notice for its installation's back end, with its entry. Gives the delivery's number; `None` where there is no
    /// active back end.
    async fn tell(&self, notice: Notice, entry: Entry) -> Result<Option<i64>, StoreError>;

    /// Makes messages that were put aside due again, with all their tries: one of them (or one that was accepted), or those about
    /// what happened since a moment. How many is added to the entry, and given.
    async fn replay(&self, installation: &InstallationId, which: Replay, entry: Entry) -> Result<u64, StoreError>;

    /// How many messages [`replay`](Self::replay) would make due again now.
    async fn replayable(&self, installation: &InstallationId, which: Replay) -> Result<u64, StoreError>;

    /// The newest `most` messages to an installation's back end, newest first.
    async fn sendings(&self, installation: &InstallationId, most: usize) -> Result<Vec<DeliveryRow>, StoreError>;
}

/// Which messages are sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The delivery of this number.
    One(i64),
    /// All that were put aside, about what happened at this moment or later.
    Since(Timestamp),
}

/// Why an event is not handed to an installation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProjected {
    /// It may not have it. Says why.
    #[error("{0}")]
    Refused(String),
    /// Nobody can say at the moment.
    #[error("{0}")]
    Unavailable(String),
}

/// Makes of an event what an installation may see of it.
#[async_trait]
pub trait ProjectEvents: Send + Sync {
    /// The event's data as JSON text: the same that the installation's plugin is handed.
    async fn project(&self, installation: &Installation, event: &Event, attempt: u32) -> Result<String, NotProjected>;
}

/// Why nothing was signed. Holds no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// There is no key.
    #[error("the back end has no signing key; 'portcullis backend rotate' makes one")]
    NoKey,
    /// There was one, and it was revoked.
    #[error("the back end's signing key was revoked; 'portcullis backend rotate' makes another")]
    Revoked,
    /// There is one, and it cannot be read.
    #[error("the back end's signing keys cannot be read: {0}")]
    Unreadable(String),
}

/// Signs payloads for back ends.
#[async_trait]
pub trait SignWebhooks: Send + Sync {
    /// The value of the header `webhook-signature` for this message: one signature for each key that is in use now. `timestamp` is
    /// in seconds since 1970, as in the header `webhook-timestamp`.
    async fn sign(
        &self,
        tenant: &TenantId,
        installation: &InstallationId,
        id: &str,
        timestamp: i64,
        payload: &[u8],
    ) -> Result<String, SignError>;
}
