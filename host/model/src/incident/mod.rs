//! Incidents: what is suspected, what it reaches, how it was contained, who must be told by when, and how it ended (INC-1 to INC-4).
//!
//! Types and ports only. What may be done when is in the duties crate, rows are in the store, and carrying a containment out is the
//! command's.
//!
//! Invariants: a containment is stored as a whole, before anything else is done about it; what it holds goes on only when somebody
//! lifts it; that it was reached is said only where the running host says so, or none runs; whoever closes an incident says what the
//! cause was and what prevents another.

mod kept;
mod ports;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use kept::{
    Closing, Containment, Incident, LONGEST_TITLE, MOST_NOTES, MOST_TOLD, Note, Origin, Reach, State, Telling, Told,
};
pub use ports::{ChangeError, Contained, HeldBy, IncidentStore, Measures};

use crate::{
    freeze::{Extent, is_published_by},
    id::{InstallationId, PluginId, ProviderId, PublisherId, TenantId},
    installation::Installation,
    time::Timestamp,
};

/// What an incident is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A plugin, in all its installations.
    Plugin(PluginId),
    /// All plugins of a publisher.
    Publisher(PublisherId),
    /// All credentials of a provider, and the installations that hold one.
    Provider(ProviderId),
    /// One installation.
    Installation(InstallationId),
}

impl About {
    /// The two parts of its text: `plugin`, `publisher`, `provider` or `installation`, and which.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Plugin(id) => ("plugin", id.as_str()),
            Self::Publisher(id) => ("publisher", id.as_str()),
            Self::Provider(id) => ("provider", id.as_str()),
            Self::Installation(id) => ("installation", id.as_str()),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = self.parts();
        write!(f, "{kind} {name}")
    }
}

impl FromStr for About {
    type Err = String;

    /// As in `plugin:com.example.card-guard`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            let text = crate::audit::plain(text);
            format!("'{text}': expected plugin:ID, publisher:ID, provider:ID or installation:ID")
        };
        let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
        let named = |error: crate::id::IdError| error.to_string();
        match kind {
            "plugin" => name.parse().map(Self::Plugin).map_err(named),
            "publisher" => name.parse().map(Self::Publisher).map_err(named),
            "provider" => name.parse().map(Self::Provider).map_err(named),
            "installation" => name.parse().map(Self::Installation).map_err(named),
            _ => Err(wrong()),
        }
    }
}

/// What an incident reaches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Subject {
    /// What it is about.
    pub about: About,
    /// In this tenant alone; absent: in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.about)?;
        match &self.tenant {
            Some(tenant) => write!(f, " in tenant {tenant}"),
            None => Ok(()),
        }
    }
}

impl Subject {
    /// Whether it reaches an installation. `holders`: the installations that hold a credential, which is all that can be said of a
    /// provider.
    pub fn reaches(&self, one: &Installation, holders: &[InstallationId]) -> bool {
        self.tenant.as_ref().is_none_or(|tenant| *tenant == one.tenant)
            && match &self.about {
                About::Plugin(plugin) => one.plugin == *plugin,
                About::Publisher(publisher) => is_published_by(&one.plugin, publisher),
                About::Installation(id) => one.id == *id,
                About::Provider(_) => holders.contains(&one.id),
            }
    }

    /// What finds it in the log since then, as filters are written; none for a provider's, which is found by what holds its credentials.
    pub fn filter(&self, since: Timestamp) -> Option<String> {
        let what = match &self.about {
            About::Plugin(id) => format!("plugin={id}"),
            About::Publisher(id) => format!("plugin={id}.*"),
            About::Installation(id) => format!("installation={id}"),
            About::Provider(_) => return None,
        };
        let tenant = self.tenant.as_ref().map(|tenant| format!(" tenant={tenant}")).unwrap_or_default();
        Some(format!("{what}{tenant} since={since}"))
    }

    /// What of it can be frozen and rotated as one: the whole of it, where it is not of one tenant alone.
    pub fn extent(&self) -> Option<Extent> {
        match (&self.about, &self.tenant) {
            (About::Installation(id), _) => Some(Extent::Installation(id.clone())),
            (_, Some(_)) => None,
            (About::Plugin(id), None) => Some(Extent::Plugin(id.clone())),
            (About::Publisher(id), None) => Some(Extent::Publisher(id.clone())),
            (About::Provider(id), None) => Some(Extent::Provider(id.clone())),
        }
    }
}
