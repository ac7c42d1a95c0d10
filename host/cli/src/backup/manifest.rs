//! What a backup says of itself.

use portcullis_model::{audit::plain, id::Digest, time::Timestamp};
use serde::{Deserialize, Serialize};

/// The form of a backup.
pub const FORMAT: &str = "portcullis-backup/1";
/// The manifest's name, the last one in the archive.
pub const MANIFEST: &str = "manifest.json";

/// A backup's list of what is in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// Which version of the program wrote it.
    pub version: String,
    /// The moment that it is of.
    pub made: Timestamp,
    /// The published log in it.
    pub log: LogHead,
    /// How many audit entries the database has.
    pub entries: u64,
    /// The number of the database's schema.
    pub schema: u64,
    /// Each file, in the archive's order.
    pub files: Vec<Listed>,
    /// What of the home is not in it.
    pub left_out: Vec<LeftOut>,
}

/// The head of the published log.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogHead {
    /// The log's name.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// Its root hash.
    pub root: String,
    /// The key that it is checked with.
    pub key: String,
}

/// A file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Listed {
    /// Its path below the home, with slashes.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its permissions, octal: `600`.
    pub mode: String,
}

/// Something that is not in a backup.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LeftOut {
    /// Its path below the home, or what else it is.
    pub path: String,
    /// Why.
    pub why: String,
}

impl LeftOut {
    pub(super) fn new(path: impl AsRef<str>, why: &str) -> Self {
        Self { path: plain(path.as_ref()), why: why.to_owned() }
    }
}
