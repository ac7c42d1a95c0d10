//! The port that people and programs read the log through.
//!
//! Invariants: what is read is what is durable; entries come in the order of the log, or exactly against it, each once; an export
//! never goes past what a signed checkpoint covers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use super::{Entry, Opening, query::Filter};
use crate::error::StoreError;

/// The most entries of one page.
pub const LARGEST_PAGE: usize = 1_000;

/// An entry as it is shown to whoever may read it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// Its index in the host's log, from 0; what a proof of it is asked for by.
    pub index: u64,
    /// What can be read of it, personal values that were not erased included. Absent where nothing can be.
    pub entry: Option<Entry>,
    /// Why it cannot be read, or not wholly trusted, where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The text that is hashed: SHA-256 over a byte of zero and these bytes. Absent where it was disposed of, or not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What the commitments in the body commit to, as far as that is left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub openings: Vec<Opening>,
    /// By which entries values of it were erased: index by field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub erased: BTreeMap<String, u64>,
    /// Which entry says that this one was disposed of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposed: Option<u64>,
    /// Its leaf in the host's log, where it was asked for and is published: the head of its view, with its place there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<Value>,
}

/// Which part of the log is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From this index on.
    pub from: u64,
    /// To before this one.
    pub to: u64,
    /// The newest first.
    pub backwards: bool,
    /// At most this many; never more than [`LARGEST_PAGE`].
    pub most: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The entries.
    pub entries: Vec<Shown>,
    /// The next window's `from`, or its `to` where it goes backwards; absent where the window was looked through.
    pub next: Option<u64>,
}

/// Reads the log.
#[async_trait]
pub trait AuditReader: Send + Sync {
    /// How many entries are durable.
    async fn written(&self) -> Result<u64, StoreError>;

    /// How many of them the newest checkpoint covers. An error where the published log cannot be read: the rest still can.
    async fn published(&self) -> Result<u64, StoreError>;

    /// Entries that a filter means.
    async fn search(&self, filter: &Filter, window: Window) -> Result<Found, StoreError>;

    /// Up to `most` entries from an index on, none left out.
    async fn follow(&self, from: u64, most: usize) -> Result<Vec<Shown>, StoreError>;

    /// Adds their leaves to entries that are published.
    async fn add_leaves(&self, entries: &mut [Shown]) -> Result<(), StoreError>;
}
