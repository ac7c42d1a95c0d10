//! Whom a host believes: roots of trust, statements about releases and withdrawals, as they lie in the store, and the port to
//! them. Nothing here is read or believed: that is for whoever checks signatures.
//!
//! Invariants: roots are appended, one version after the other, and never changed; a statement or withdrawal is never taken
//! out; every change is written together with its audit entry.

use std::{fmt, str::FromStr};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    error::StoreError,
    id::{IdError, PluginId, TenantId},
    release::ReleaseId,
};

/// For whom a root of trust speaks. As text: `platform`, or `tenant:` and the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RootScope {
    /// For every installation on this host.
    Platform,
    /// For those of one tenant, beside the platform's: both must hold.
    Tenant(TenantId),
}

impl RootScope {
    /// Of which tenant; `None` for the platform's.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Platform => None,
            Self::Tenant(tenant) => Some(tenant),
        }
    }
}

impl fmt::Display for RootScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("platform"),
            Self::Tenant(tenant) => write!(f, "tenant:{tenant}"),
        }
    }
}

impl FromStr for RootScope {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text {
            "platform" => Ok(Self::Platform),
            other => Ok(Self::Tenant(other.strip_prefix("tenant:").unwrap_or(other).parse()?)),
        }
    }
}

impl TryFrom<String> for RootScope {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<RootScope> for String {
    fn from(scope: RootScope) -> String {
        scope.to_string()
    }
}

/// All that lies in the store of what signatures say about trust. Envelopes as JSON texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredTrust {
    /// Goes up with each change.
    pub revision: u64,
    /// Every version of every root, oldest first.
    pub roots: Vec<(RootScope, String)>,
    /// Every withdrawal and lift, oldest first.
    pub withdrawals: Vec<String>,
}

/// Storage of trust.
#[async_trait]
pub trait TrustStore: Send + Sync {
    /// All roots and withdrawals.
    async fn trust(&self) -> Result<StoredTrust, StoreError>;

    /// Goes up with every change of roots, withdrawals or statements: cheap to ask, to know whether to look again.
    async fn trust_revision(&self) -> Result<u64, StoreError>;

    /// Appends a version of a root, if `version` is one more than the newest (1 where there is none). False where somebody
    /// else was faster.
    async fn put_root(
        &self,
        scope: RootScope,
        version: u64,
        envelope: String,
        entry: Entry,
    ) -> Result<bool, StoreError>;

    /// Keeps a withdrawal or a lift; the same again changes nothing.
    async fn put_withdrawal(&self, envelope: String, entry: Entry) -> Result<(), StoreError>;

    /// The statements of others than the publisher about a release: verdicts, overrides.
    async fn statements(&self, release: &ReleaseId) -> Result<Vec<String>, StoreError>;

    /// Keeps a statement about a release; the same again changes nothing.
    async fn put_statement(&self, release: ReleaseId, envelope: String, entry: Entry) -> Result<(), StoreError>;

    /// The highest release number of a plugin that a tenant ever installed: nothing older is installed again without leave.
    async fn highest_release(&self, tenant: &TenantId, plugin: &PluginId) -> Result<Option<u64>, StoreError>;
}
