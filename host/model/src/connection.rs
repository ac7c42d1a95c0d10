//! Connections to upstream APIs: whose credential it is, from which provider, and how it stands. Never the credential itself.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    id::{InstallationId, ProviderId, TenantId},
    installation::Installation,
    risk::AcceptedRisk,
    time::Timestamp,
};

/// Which connection: of one installation in one tenant, by its name there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConnectionKey {
    /// Whose it is.
    pub tenant: TenantId,
    /// Whose requests carry it.
    pub installation: InstallationId,
    /// Its name, unique within the installation.
    pub name: String,
}

impl ConnectionKey {
    /// That of an installation's connection of this name.
    ///
    /// # Errors
    /// What is wrong with the name, in one sentence.
    pub fn of(installation: &Installation, name: &str) -> Result<Self, String> {
        let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(fit) {
            return Err("a connection's name is 1 to 64 of A-Z a-z 0-9 - _ .".to_owned());
        }
        let (tenant, installation) = (installation.tenant.clone(), installation.id.clone());
        Ok(Self { tenant, installation, name: name.to_owned() })
    }
}

impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.tenant, self.installation, self.name)
    }
}

/// Where a connection's credential comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The provider whose definition says how it is renewed and revoked.
    pub provider: ProviderId,
    /// What the definition leaves open, such as `subdomain` or `client-id`. Not secret.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Scopes in the provider's own words.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// For a static token: who took the risk (INT-3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<AcceptedRisk>,
}

/// How a connection stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Standing {
    /// Its credential is in use.
    Ready,
    /// A renewal was about to be asked for, and its end is not known yet: it is under way, or its process died.
    Renewing {
        /// Since when.
        since: Timestamp,
    },
    /// The last renewals failed; none is tried before `until`. The present credential is used while it lasts.
    Cooling {
        /// How often in a row.
        failures: u32,
        /// When the next try may be.
        until: Timestamp,
        /// What the provider said, without secrets.
        why: String,
    },
    /// Only a person can put it right, by consenting anew.
    ConsentNeeded {
        /// Since when.
        since: Timestamp,
        /// Why, without secrets.
        why: String,
    },
    /// It was revoked: its credential is not used any more.
    Revoked {
        /// Since when.
        since: Timestamp,
    },
}

/// Why a credential cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unreadable {
    /// Whoever keeps the key cannot be asked at the moment.
    ForNow,
    /// Its key is another one or is not there, or the row was changed.
    Lost,
}

/// A connection as everybody may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// Which.
    #[serde(flatten)]
    pub key: ConnectionKey,
    /// From where.
    pub origin: Origin,
    /// Where it goes, as JSON.
    pub place: serde_json::Value,
    /// Counts credentials: goes up with each new one.
    pub generation: u64,
    /// When the present credential was stored.
    pub issued: Timestamp,
    /// When it ends; absent where it does not say.
    pub expires: Option<Timestamp>,
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// Its credential cannot be read: what else stands here is what the row says, and nothing vouches for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Unreadable>,
}
