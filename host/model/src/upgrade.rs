//! What an installation remembers of upgrades: which it takes by itself, what it ran before, what waits for an admin.
//!
//! Invariant: going back gives back at most what was granted then, less what an admin has taken away since.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{id::Digest, limits::Limits, release::ReleaseId, scope::ScopeText};

/// Which newer releases are taken without an admin, where they ask for no more than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpgradePolicy {
    /// None.
    #[default]
    Manual,
    /// Those of the same major and minor version.
    Patch,
    /// All.
    All,
}

impl fmt::Display for UpgradePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manual => "manual",
            Self::Patch => "patch",
            Self::All => "all",
        })
    }
}

impl FromStr for UpgradePolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "manual" => Ok(Self::Manual),
            "patch" => Ok(Self::Patch),
            "all" => Ok(Self::All),
            other => Err(format!("'{other}' is no policy; write manual, patch or all")),
        }
    }
}

/// What an installation ran before its last upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// The component's digest.
    pub release: Digest,
    /// The manifest's digest.
    pub manifest: Digest,
    /// The version, for people.
    pub version: String,
    /// The release's number.
    pub number: u64,
    /// What was granted then, less what an admin has taken away since.
    pub granted: Vec<ScopeText>,
    /// What of that fell away with the upgrade because the newer release does not ask for it.
    #[serde(default)]
    pub dropped: Vec<ScopeText>,
    /// What a call could use then, and an hour.
    pub limits: Limits,
}

impl Previous {
    /// Which release.
    pub fn release_id(&self) -> ReleaseId {
        ReleaseId { component: self.release, manifest: self.manifest }
    }
}

/// A newer release that waits for an admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The component's digest.
    pub release: Digest,
    /// The manifest's digest.
    pub manifest: Digest,
    /// The version, for people.
    pub version: String,
    /// The release's number.
    pub number: u64,
    /// What an admin has to agree to.
    pub why: Vec<String>,
}
