//! Installations: a plugin in a tenant, with what its admin granted.
//!
//! Invariants: one that is uninstalled never runs; one that is erased keeps nothing but its ids, so that it can be accounted
//! for; rows that were written before a field was there still read.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    error::StoreError,
    id::{Digest, InstallationId, PluginId, TenantId},
    incident::HeldBy,
    limits::Limits,
    release::ReleaseId,
    scope::ScopeText,
    time::Timestamp,
    upgrade::{Previous, UpgradePolicy, Waiting},
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
        /// Whether whoever runs the host did, who alone lets it go on then.
        #[serde(default, rename = "by-platform", skip_serializing_if = "std::ops::Not::not")]
        by_platform: bool,
    },
    /// It was uninstalled: it does not run and gets no deliveries; what it stored is there until it is purged.
    Uninstalled {
        /// When.
        since: Timestamp,
        /// When what it stored is erased, or soon after.
        purge_at: Timestamp,
        /// Why, in the words of whoever uninstalled it.
        reason: String,
        /// Why whoever runs the host had suspended it, where they had: that holds on, and for one that is taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held: Option<String>,
    },
    /// What it stored is gone. The row stays, so that it can be accounted for.
    Erased {
        /// When.
        at: Timestamp,
        /// Why whoever runs the host had suspended it, where they had: its tenant does not install it anew around that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held: Option<String>,
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
    /// Which newer releases it takes by itself.
    #[serde(default)]
    pub upgrades: UpgradePolicy,
    /// What it ran before its last upgrade, to go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// A newer release that waits for an admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// The highest release number that it was rolled back from: only one beyond it is taken by policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<u64>,
    /// Goes up with each change: what was made from an older one is stale.
    pub generation: u64,
}

impl Installation {
    /// The release that it runs.
    pub fn release_id(&self) -> ReleaseId {
        ReleaseId { component: self.release, manifest: self.manifest }
    }

    /// Why whoever runs the host keeps it from running, where they do.
    pub fn held_by_platform(&self) -> Option<&str> {
        match &self.state {
            InstallationState::Suspended { by_platform: true, reason } => Some(reason),
            InstallationState::Uninstalled { held, .. } | InstallationState::Erased { held, .. } => held.as_deref(),
            _ => None,
        }
    }

    /// Whether it was uninstalled, and perhaps erased.
    pub fn is_gone(&self) -> bool {
        matches!(self.state, InstallationState::Uninstalled { .. } | InstallationState::Erased { .. })
    }
}

/// Where installations are kept. Each change is written together with its audit entry, or not at all.
#[async_trait]
pub trait InstallationStore: Send + Sync {
    /// All, in the order of their installation.
    async fn installations(&self) -> Result<Vec<Installation>, StoreError>;

    /// The one with this id.
    async fn installation(&self, id: &InstallationId) -> Result<Option<Installation>, StoreError> {
        Ok(self.installations().await?.into_iter().find(|one| one.id == *id))
    }

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

    /// What keeps an installation from running, whoever asks for it. One that is held is not stored as active.
    async fn held_by(&self, installation: &Installation) -> Result<Option<HeldBy>, StoreError> {
        let _ = installation;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_from_before_upgrades_reads() {
        let digest = Digest::of(b"x");
        let row = format!(
            r#"{{"id":"ins_1","tenant":"acme","plugin":"com.example.a","release":"{digest}","manifest":"{digest}",
            "version":"1.0.0","state":"active","granted":[],"limits":{{}},"generation":3}}"#
        );
        let read: Installation = serde_json::from_str(&row).unwrap();
        assert_eq!((read.upgrades, read.previous.is_none(), read.number), (UpgradePolicy::Manual, true, 0));
        let gone = InstallationState::Uninstalled {
            since: Timestamp(1),
            purge_at: Timestamp(2),
            reason: "x".into(),
            held: None,
        };
        let one = Installation { state: gone, upgrades: UpgradePolicy::Patch, ..read };
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Installation>(&text).unwrap(), one);
        assert!(one.is_gone());
    }
}
