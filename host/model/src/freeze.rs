//! Freezes: nothing leaves in the name of what is frozen, until somebody lifts it (INT-6).
//!
//! Invariants: a freeze holds until it is lifted, whatever process dies in between; the strictest of several that cover a
//! request holds; a release from a freeze is of one credential or of one installation, and of nothing else.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    connection::ConnectionKey,
    error::{ServiceError, StoreError},
    id::{IncidentId, InstallationId, PluginId, ProviderId, PublisherId, RotationId, TenantId},
    installation::Installation,
    time::Timestamp,
};

/// What a freeze or an emergency act reaches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// Everything of every tenant.
    All,
    /// All of one tenant.
    Tenant(TenantId),
    /// All credentials of one provider.
    Provider(ProviderId),
    /// All plugins of one publisher.
    Publisher(PublisherId),
    /// All installations of one plugin.
    Plugin(PluginId),
    /// One installation.
    Installation(InstallationId),
    /// One credential of one installation.
    Connection(ConnectionKey),
}

impl Extent {
    /// Whether it reaches no more than one tenant.
    pub fn is_of_one_tenant(&self) -> bool {
        matches!(self, Self::Tenant(_) | Self::Installation(_) | Self::Connection(_))
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("everything"),
            Self::Tenant(id) => write!(f, "tenant {id}"),
            Self::Provider(id) => write!(f, "provider {id}"),
            Self::Publisher(id) => write!(f, "publisher {id}"),
            Self::Plugin(id) => write!(f, "plugin {id}"),
            Self::Installation(id) => write!(f, "installation {id}"),
            Self::Connection(key) => write!(f, "connection {key}"),
        }
    }
}

/// Whether a plugin's id lies below a publisher's.
pub fn is_published_by(plugin: &PluginId, publisher: &PublisherId) -> bool {
    plugin.as_str().strip_prefix(publisher.as_str()).is_some_and(|rest| rest.starts_with('.'))
}

/// In whose name something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// In whose data.
    pub tenant: TenantId,
    /// By which installation.
    pub installation: InstallationId,
    /// Of which plugin.
    pub plugin: PluginId,
}

impl From<&Installation> for Subject {
    fn from(one: &Installation) -> Self {
        Self { tenant: one.tenant.clone(), installation: one.id.clone(), plugin: one.plugin.clone() }
    }
}

/// A credential that a request would carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Its name in the installation.
    pub name: String,
    /// Where it is from; `None` for one that was given by hand.
    pub provider: Option<ProviderId>,
}

/// A freeze as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Freeze {
    /// Counts freezes; none is used twice.
    pub number: u64,
    /// What it reaches.
    pub extent: Extent,
    /// Why, in a person's words.
    pub reason: String,
    /// Who did it.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// The rotation that it belongs to, and that lifts it when it is through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<RotationId>,
    /// The incident that it belongs to, and that alone lifts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// Whether whoever runs the host did it: then no admin of a tenant lifts it.
    #[serde(default)]
    pub platform: bool,
}

/// What a freeze does not hold any more, though it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Released {
    /// From which freeze.
    pub freeze: u64,
    /// Whose.
    pub tenant: TenantId,
    /// Of which installation.
    pub installation: InstallationId,
    /// Which credential; `None`: all that the installation does.
    pub name: Option<String>,
}

/// All freezes at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreezeState {
    /// Goes up with each change.
    pub revision: u64,
    /// Those that hold, oldest first.
    pub freezes: Vec<Freeze>,
    /// What they do not hold.
    pub released: Vec<Released>,
}

/// A refusal because of a freeze.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("freeze {number} of {extent}: {reason}")]
pub struct Frozen {
    /// Which freeze.
    pub number: u64,
    /// What it reaches.
    pub extent: Extent,
    /// Why, for the operator's log.
    pub reason: String,
}

impl From<&Freeze> for Frozen {
    fn from(freeze: &Freeze) -> Self {
        Self { number: freeze.number, extent: freeze.extent.clone(), reason: freeze.reason.clone() }
    }
}

impl From<Frozen> for ServiceError {
    /// A plugin hears that the service is unavailable, so that its event is tried again once the freeze is lifted.
    fn from(frozen: Frozen) -> Self {
        Self::Frozen(frozen.to_string())
    }
}

/// Asked before anything is done in an installation's name: requests that leave, and tokens that are presented.
pub trait Freezes: Send + Sync {
    /// Refuses where a freeze holds. `carried` are the credentials that would go out with it; none for a token of the host's own.
    fn check(&self, subject: &Subject, carried: &[Carried]) -> Result<(), Frozen>;
}

/// Where freezes are kept. Each change is written together with its audit entry.
#[async_trait]
pub trait FreezeStore: Send + Sync {
    /// Goes up with each change: cheap to ask.
    async fn freeze_revision(&self) -> Result<u64, StoreError>;

    /// All that hold, in one snapshot.
    async fn freezes(&self) -> Result<FreezeState, StoreError>;

    /// Adds one; its number is given by the store. Gives the number.
    async fn add_freeze(&self, freeze: Freeze, entry: Entry) -> Result<u64, StoreError>;

    /// Lifts one; false where there is none of that number.
    async fn lift_freeze(&self, number: u64, entry: Entry) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publishers_plugins_are_those_below_its_id() {
        let publisher: PublisherId = "com.example".parse().unwrap();
        for (plugin, is) in [("com.example.a", true), ("com.example.a.b", true), ("com.examples.a", false)] {
            assert_eq!(is_published_by(&plugin.parse().unwrap(), &publisher), is, "{plugin}");
        }
    }

    #[test]
    fn a_guest_is_told_that_it_may_try_again() {
        let frozen = Frozen { number: 3, extent: Extent::All, reason: "breach at a partner".into() };
        let error = ServiceError::from(frozen);
        assert!(matches!(&error, ServiceError::Frozen(_)), "the other side did not fail");
        assert_eq!(error.name(), "unavailable");
        assert!(error.to_string().contains("freeze 3 of everything: breach at a partner"), "{error}");
    }
}
