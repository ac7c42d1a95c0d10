//! Requests that somebody may send again, because they do not know whether they were carried out: each key stands for one.
//!
//! Invariants: of a key only its digest is kept, together with whose it is, so that nobody meets the keys of somebody else; what
//! has begun under a key does not begin once more before its end is known; what is kept is kept for [`KEPT`].

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    id::{Digest, TenantId},
    time::Timestamp,
};

/// How long a key stands for its request.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A request under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// Whose.
    pub caller: String,
    /// What it is about is this tenant's, so that what was answered is found when its data is erased; `None`: nobody's own.
    pub tenant: Option<TenantId>,
    /// The key's digest.
    pub key: Digest,
    /// The digest of all that was asked for.
    pub request: Digest,
    /// When.
    pub at: Timestamp,
}

/// What a request was answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The status.
    pub status: u16,
    /// The headers that belong to the answer, by name.
    pub headers: Vec<(String, String)>,
    /// The body; `None` where it was not to be kept.
    pub body: Option<String>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it stands for this request from now on.
    New,
    /// This request has begun, and its end is not known.
    Begun,
    /// This request was answered.
    Answered(Kept),
    /// It stands for another request.
    Other,
}

/// Keeps what was asked for under which key.
#[async_trait]
pub trait Repeats: Send + Sync {
    /// Looks a key up; where nothing is known of it, it stands for this request from now on, durably.
    async fn begin(&self, keyed: Keyed) -> Result<Known, StoreError>;

    /// Says how a request ended; `None`: nothing was done, and its key is free again.
    async fn end(&self, keyed: Keyed, kept: Option<Kept>) -> Result<(), StoreError>;
}
