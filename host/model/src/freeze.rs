//! Freezes: nothing leaves in the name of what is frozen, until somebody lifts it (INT-6).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{InstallationId, PluginId, ProviderId, PublisherId, TenantId};

/// What an emergency act reaches.
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
        }
    }
}
