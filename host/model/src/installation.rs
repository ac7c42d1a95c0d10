//! Installations: a plugin in a tenant, with what its admin granted.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    error::StoreError,
    id::{Digest, InstallationId, PluginId, TenantId},
    limits::Limits,
    release::ReleaseId,
    scope::ScopeText,
};

/// Whether it may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum InstallationState {
    /// It runs.
    Active,
    /// It does not run; its deliveries wait.
    Suspended {
        /// Why, in the words of whoever suspended it.
        reason: String,
    },
}

/// One installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// Its id.
    pub id: InstallationId,
    /// In which tenant.
    pub tenant: TenantId,
    /// Which plugin.
    pub plugin: PluginId,
    /// Which release of it: the component's digest.
    pub release: Digest,
    /// And the digest of the manifest that was released with it.
    pub manifest: Digest,
    /// The release's version, for people.
    pub version: String,
    /// The release's number.
    #[serde(default)]
    pub number: u64,
    /// Whether it may run.
    #[serde(flatten)]
    pub state: InstallationState,
    /// What the admin granted.
    pub granted: Vec<ScopeText>,
    /// What the admin lets one call use.
    pub limits: Limits,
    /// Goes up with each change: what was made from an older one is stale.
    pub generation: u64,
}

impl Installation {
    /// The release that it runs.
    pub fn release_id(&self) -> ReleaseId {
        ReleaseId { component: self.release, manifest: self.manifest }
    }
}

/// Where installations are kept. Each change is written together with its audit entry, or not at all.
#[async_trait]
pub trait InstallationStore: Send + Sync {
    /// All, in the order of their installation.
    async fn installations(&self) -> Result<Vec<Installation>, StoreError>;

    /// Goes up with every change of any installation: cheap to ask, to know whether to read them all again.
    async fn installations_revision(&self) -> Result<u64, StoreError>;

    /// Adds one or replaces the one with its id, where that one's generation is `expected` (`None`: there is none yet).
    /// False where somebody else was faster.
    async fn put_installation(
        &self,
        installation: Installation,
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<bool, StoreError>;
}
