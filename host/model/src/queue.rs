//! The durable queue: events in, deliveries out. Ports only; the order of things is in the delivery crate.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{audit::Entry, error::StoreError, event::Event, id::InstallationId, time::Timestamp};

/// What became of an event that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// It is stored, with this many deliveries.
    New(usize),
    /// It was there already; nothing changed.
    Duplicate,
}

/// A delivery that a worker holds.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The delivery's number.
    pub delivery: i64,
    /// What to deliver.
    pub event: Event,
    /// To whom.
    pub installation: InstallationId,
    /// 1 the first time.
    pub attempt: u32,
}

/// What becomes of a delivery after a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Handled.
    Done,
    /// Again, not before this moment.
    Retry {
        /// When.
        at: Timestamp,
        /// What went wrong.
        error: String,
    },
    /// Given up, and put aside for a person to look at.
    Dead {
        /// What went wrong.
        error: String,
    },
    /// Given back without having been tried: its installation is suspended, or the host is stopping.
    Released {
        /// Not before this moment.
        at: Timestamp,
    },
}

/// How far a delivery got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// Waiting for its turn.
    Pending,
    /// A worker holds it.
    Leased,
    /// Handled.
    Done,
    /// Put aside.
    Dead,
}

/// A delivery, as a person sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Its number.
    pub delivery: i64,
    /// The event's source and id.
    pub source: String,
    /// The event's id.
    pub event: String,
    /// The event's type.
    pub kind: String,
    /// To whom.
    pub installation: InstallationId,
    /// True where it goes to the installation's back end, and not to its plugin.
    #[serde(default)]
    pub back_end: bool,
    /// How far it got.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: u32,
    /// What went wrong last.
    pub error: Option<String>,
}

/// Storage of events and deliveries. Each method is one transaction, audit entries included.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Stores an event, a delivery for each of `targets`, and `entry`; or nothing but `duplicate` where the origin has sent
    /// that source and id before. Durable when it returns.
    async fn ingest(
        &self,
        event: Event,
        targets: Vec<InstallationId>,
        entry: Entry,
        duplicate: Entry,
    ) -> Result<Ingested, StoreError>;

    /// Takes up to `most` deliveries that are due, oldest first, for `hold` long. Of one installation at most `each` are
    /// held at once, earlier leases included. A lease that nobody settled by then is due again.
    async fn lease(&self, most: usize, each: usize, now: Timestamp, hold: Duration) -> Result<Vec<Lease>, StoreError>;

    /// Ends a lease, with the audit entries of what happened. Durable when it returns.
    async fn settle(&self, delivery: i64, verdict: Verdict, entries: Vec<Entry>) -> Result<(), StoreError>;

    /// Makes all leases due at once: for the start of a host that is alone on its store. Gives how many.
    async fn recover(&self) -> Result<usize, StoreError>;

    /// The newest `most` deliveries, newest first.
    async fn deliveries(&self, most: usize) -> Result<Vec<DeliveryRow>, StoreError>;

    /// How many deliveries are in each state.
    async fn depth(&self) -> Result<Vec<(DeliveryState, u64)>, StoreError>;
}
