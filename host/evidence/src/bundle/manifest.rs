//! What a bundle says of itself, and an entry's line in it.

use std::collections::BTreeMap;

use portcullis_model::{
    audit::{Entry, Opening},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What is wrong with a bundle, and in which of its files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct BundleError {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub what: String,
    /// Whether it is that more was selected than there is room for.
    pub too_much: bool,
}

impl BundleError {
    pub(super) fn new(file: impl Into<String>, what: impl ToString) -> Self {
        Self { file: file.into(), what: what.to_string(), too_much: false }
    }

    pub(super) fn too_much(file: &str, what: impl ToString) -> Self {
        Self { too_much: true, ..Self::new(file, what) }
    }
}

/// An entry that the selection means and that is not in the bundle, because it was disposed of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LeftOut {
    /// Its index.
    pub index: u64,
    /// Which entry says that it was disposed of.
    pub disposed: Option<u64>,
}

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// [`BUNDLE`](super::BUNDLE).
    pub format: String,
    /// The log.
    pub origin: String,
    /// How many entries the log has at the bundle's checkpoint.
    pub size: u64,
    /// Its root, as base64.
    pub root: String,
    /// What was selected: the empty text means everything.
    pub filter: String,
    /// When it was made, by the host's clock.
    pub made: Timestamp,
    /// Whether personal values are shown.
    pub personal: bool,
    /// How many entries are in it.
    pub entries: u64,
    /// What is not in it.
    pub left_out: Vec<LeftOut>,
    /// The SHA-256 of each file, as hex.
    pub files: BTreeMap<String, String>,
}

/// A line of `entries.ndjson`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub index: u64,
    pub body: String,
    pub openings: Vec<Opening>,
    pub erased: BTreeMap<String, u64>,
    pub entry: Entry,
}
