//! The durable queue: events in, deliveries out. Ports only; the order of things is in the delivery crate.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry, error::StoreError, event::Event, id::InstallationId, privacy::PrivacyAnswer, time::Timestamp,
};

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
    /// 1 the first time. For a data subject's request: since it was last settled.
    pub attempt: u32,
    /// How often a data subject's request was settled before without a final answer; otherwise 0.
    pub asked: u32,
}

impl Lease {
    /// How often it was tried in all, this time included.
    pub fn tries(&self) -> u32 {
        self.asked.saturating_add(self.attempt)
    }
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
    /// A data subject's request was answered, finally: its part is done with it.
    Answered {
        /// When.
        at: Timestamp,
        /// What was answered; never [`PrivacyAnswer::Later`].
        answer: PrivacyAnswer,
    },
    /// A data subject's request has no final answer yet. What is tried is counted anew.
    Later {
        /// When it is asked again.
        at: Timestamp,
        /// What went wrong; `None`: it has begun, and takes time.
        error: Option<String>,
    },
    /// A data subject's request was not answered by its deadline.
    Unanswered {
        /// When.
        at: Timestamp,
        /// What went wrong last.
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

/// What came of having a delivery tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It waits for its turn.
    Waits,
    /// It is not put aside: nothing was changed.
    NotAside,
    /// It is a data subject's request: those are asked anew by whoever answers for them, and not as an old delivery.
    OfPerson,
    /// Nobody is there to get it any more: the installation was taken away, or its back end was.
    NobodyThere,
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

    /// One delivery.
    async fn delivery(&self, number: i64) -> Result<Option<DeliveryRow>, StoreError>;

    /// Those to these installations, in any state or in this one, newest first, at most so many, before this number.
    async fn deliveries_to(
        &self,
        of: Vec<InstallationId>,
        state: Option<DeliveryState>,
        before: Option<i64>,
        most: usize,
    ) -> Result<Vec<DeliveryRow>, StoreError>;

    /// Makes one that was put aside wait anew, its tries counted from none, and writes the entry with it. What cannot be delivered any
    /// more stays as it is.
    async fn retry(&self, delivery: i64, entry: Entry) -> Result<Retried, StoreError>;

    /// What [`Queue::retry`] would say; nothing is changed.
    async fn may_retry(&self, delivery: i64) -> Result<Retried, StoreError>;

    /// How many deliveries are in each state.
    async fn depth(&self) -> Result<Vec<(DeliveryState, u64)>, StoreError>;
}
