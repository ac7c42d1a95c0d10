//! The port behind which a host gathers what postures, sheets and rehearsals are computed from.
//!
//! Invariants: looking changes nothing; what would be is computed by the same functions as what is.

use async_trait::async_trait;
use portcullis_model::{
    duty::RiskAbout,
    error::StoreError,
    id::{DutyId, InstallationId, PluginId, ProfileName, TenantId},
    release::ReleaseId,
    risk::AcceptedRisk,
};
use serde::{Deserialize, Serialize};

use crate::{catalogue::Catalogue, posture::Posture, sheet::Sheet};

/// What turning a profile on or off changes for one installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// For which installation.
    pub installation: InstallationId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// What.
    pub what: String,
}

/// A profile as it would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Which.
    pub profile: ProfileName,
    /// On, or off.
    pub on: bool,
}

/// A risk that somebody answers for outside of the desk: with a connection, or in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Which duty it goes against.
    pub duty: DutyId,
    /// Whose it is; absent where it is every tenant's.
    pub tenant: Option<TenantId>,
    /// What it lets pass, in words.
    pub about: String,
    /// Who answers for it, until when, and why.
    pub risk: AcceptedRisk,
}

/// Looks at a host.
#[async_trait]
pub trait Look: Send + Sync {
    /// What duties and profiles there are.
    fn catalogue(&self) -> &Catalogue;

    /// All tenants that the host knows of.
    async fn tenants(&self) -> Result<Vec<TenantId>, StoreError>;

    /// How a tenant stands now.
    async fn posture(&self, tenant: &TenantId) -> Result<Posture, StoreError>;

    /// How it stands now, and how it would with a profile turned on or off: from the same facts.
    async fn turned(&self, tenant: &TenantId, turn: &Turn) -> Result<(Posture, Posture), StoreError>;

    /// What turning a profile on or off would change, installation by installation. Empty where nothing would.
    async fn changes(&self, tenant: &TenantId, turn: &Turn) -> Result<Vec<Change>, StoreError>;

    /// An installation's tenant; `None` where there is no such installation.
    async fn whose(&self, installation: &InstallationId) -> Result<Option<TenantId>, StoreError>;

    /// An installation's responsibility sheet; `None` where it or its release is not there.
    async fn sheet(&self, installation: &InstallationId) -> Result<Option<Sheet>, StoreError>;

    /// The sheet of a release as a tenant would have it that installs it; `None` where the release is not there.
    async fn sheet_before(&self, release: &ReleaseId, tenant: &TenantId) -> Result<Option<Sheet>, StoreError>;

    /// Why there is nothing that this risk could be about; `None` where there is.
    async fn unfit(&self, about: &RiskAbout) -> Result<Option<String>, StoreError>;

    /// Risks that somebody answers for outside of the desk.
    async fn elsewhere(&self) -> Result<Vec<Elsewhere>, StoreError>;
}
