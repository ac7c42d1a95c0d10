//! Sends the entries of the audit log to receivers outside, as they are written (MON-3): [`line`] by syslog over TLS, [`collector`] by OTLP,
//! [`follow`] reads the log and keeps how far each is.
//!
//! How an entry is written is the caller's: a [`Form`] makes bytes of it.
//!
//! Invariants: entries are sent in the order of the log, each at least once, and none before it is durable; an outlet goes on from the
//! first entry that is not known to have arrived, whenever and however it was ended; what waits is in the log and not in memory; a
//! receiver is reached as hosts of egress are, at judged addresses or where the operator placed it, by TLS that is checked.

pub mod collector;
pub mod follow;
pub mod line;

use std::{sync::Arc, time::Duration};

use portcullis_model::audit::reader::Shown;

pub use self::{
    collector::{Collector, Endpoint},
    follow::{Follower, Pace},
    line::{Line, SyslogTarget},
};

/// Makes of an entry what the receiver is sent; none of one that cannot be read any more.
pub type Form = Arc<dyn Fn(&Shown) -> Option<Vec<u8>> + Send + Sync>;

/// Why entries were not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In words.
    pub problem: String,
    /// How long the receiver wants to be left alone.
    pub pause: Option<Duration>,
}

impl Trouble {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), pause: None }
    }
}

/// Records that the receiver took notice of and would not keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// How it answered, without its own words.
    pub why: String,
}

impl Refused {
    fn add(&mut self, other: Self) {
        if other.count > 0 {
            *self = Self { count: self.count.saturating_add(other.count), why: other.why };
        }
    }
}

/// The way to a receiver.
pub enum Way {
    /// Syslog over TLS.
    Line(Line),
    /// OTLP over HTTP.
    Collector(Collector),
}

impl Way {
    /// Sends some, as made by the [`Form`]; `upto` is the first entry after them.
    async fn send(&mut self, upto: u64, batch: &[Vec<u8>]) -> Result<Refused, Trouble> {
        match self {
            Self::Line(line) => line.send(upto, batch).await.map(|()| Refused::default()),
            Self::Collector(collector) => collector.send(upto, batch).await,
        }
    }

    /// Says up to before which entry all that was sent has arrived; none where nothing new has.
    async fn arrived(&mut self) -> Result<Option<u64>, Trouble> {
        match self {
            Self::Line(line) => line.arrived().await,
            Self::Collector(collector) => Ok(collector.arrived()),
        }
    }

    /// Ends, and says the same for the last time.
    async fn close(&mut self) -> Option<u64> {
        match self {
            Self::Line(line) => line.close().await,
            Self::Collector(collector) => collector.arrived(),
        }
    }

    /// Begins anew after trouble: nothing that was sent and is not known to have arrived counts any more.
    fn forget(&mut self) {
        match self {
            Self::Line(line) => line.forget(),
            Self::Collector(_) => {}
        }
    }
}
