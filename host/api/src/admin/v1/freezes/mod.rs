//! Freezes: nothing leaves in the name of what is frozen, until somebody lifts it.
//!
//! Invariant: what reaches beyond one tenant is the platform's to freeze, and to lift.

mod add;
mod lift;
mod list;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use portcullis_model::{
    audit::plain,
    connection::ConnectionKey,
    freeze::{Extent, Freeze, FreezeState, FreezeStore},
    id::{InstallationId, PluginId, ProviderId, PublisherId, TenantId},
    installation::InstallationStore,
    people::Resource,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    admin::{Group, unavailable, unknown},
    problem::{Problem, Reason},
};

/// What freezes are read and changed with.
pub struct Ports {
    /// Where freezes lie.
    pub freezes: Arc<dyn FreezeStore>,
    /// Whose installations are.
    pub installations: Arc<dyn InstallationStore>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<add::Add>().with::<lift::Lift>()
}

/// A freeze that holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Freeze)]
pub struct FreezeView {
    /// Its number; none is used twice.
    number: u64,
    /// What it reaches.
    extent: ExtentView,
    /// The same in words.
    reaches: String,
    /// Why, in a person's words.
    reason: String,
    /// Who did it.
    by: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// The rotation that it belongs to, and that lifts it when it is through.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<String>,
    /// The incident that it belongs to, and that alone lifts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<String>,
    /// Whether whoever runs the host did it: then no admin of a tenant lifts it.
    platform: bool,
    /// How many credentials and installations it does not hold any more.
    released: usize,
}

/// What a freeze reaches: one of these, or everything.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "of", content = "id")]
#[schema(as = Extent)]
pub enum ExtentView {
    /// Everything of every tenant.
    All,
    /// All of one tenant.
    Tenant(String),
    /// All credentials of one provider.
    Provider(String),
    /// All plugins of one publisher.
    Publisher(String),
    /// All installations of one plugin.
    Plugin(String),
    /// One installation.
    Installation(String),
    /// One credential of one installation, as it is called in the audit log: tenant, installation and name, with slashes in between.
    Connection(String),
}

impl From<&Extent> for ExtentView {
    fn from(extent: &Extent) -> Self {
        match extent {
            Extent::All => Self::All,
            Extent::Tenant(id) => Self::Tenant(id.to_string()),
            Extent::Provider(id) => Self::Provider(id.to_string()),
            Extent::Publisher(id) => Self::Publisher(id.to_string()),
            Extent::Plugin(id) => Self::Plugin(id.to_string()),
            Extent::Installation(id) => Self::Installation(id.to_string()),
            Extent::Connection(key) => Self::Connection(key.to_string()),
        }
    }
}

impl ExtentView {
    /// As the host knows it.
    pub(in crate::admin::v1) fn read(&self) -> Result<Extent, Problem> {
        let wrong = |error: portcullis_model::id::IdError| {
            Problem::new(Reason::WrongBody, format!("extent: {}.", plain(&error.to_string())))
        };
        Ok(match self {
            Self::All => Extent::All,
            Self::Tenant(id) => Extent::Tenant(id.parse::<TenantId>().map_err(wrong)?),
            Self::Provider(id) => Extent::Provider(id.parse::<ProviderId>().map_err(wrong)?),
            Self::Publisher(id) => Extent::Publisher(id.parse::<PublisherId>().map_err(wrong)?),
            Self::Plugin(id) => Extent::Plugin(id.parse::<PluginId>().map_err(wrong)?),
            Self::Installation(id) => Extent::Installation(id.parse::<InstallationId>().map_err(wrong)?),
            Self::Connection(_) => {
                let advice = "extent: freeze the connection's installation; one credential is frozen by its rotation.";
                return Err(Problem::new(Reason::WrongBody, advice));
            }
        })
    }

    /// The same, where it may be one credential.
    ///
    /// # Errors
    /// It names none.
    pub fn read_any(&self) -> Result<Extent, Problem> {
        let Self::Connection(text) = self else { return self.read() };
        let advice = "extent: expected a connection as tenant/installation/name.";
        connection(text).map(Extent::Connection).ok_or_else(|| Problem::new(Reason::WrongBody, advice))
    }
}

impl FreezeView {
    /// A freeze of this state, with what it holds no more.
    fn within(freeze: &Freeze, state: &FreezeState) -> Self {
        let released = state.released.iter().filter(|one| one.freeze == freeze.number).count();
        Self { released, ..freeze.into() }
    }

    /// Without what whoever runs the host said of it, and who that was: what reaches beyond one tenant may be about another.
    fn without_words(self) -> Self {
        Self { reason: "for reasons of whoever runs the host".to_owned(), by: String::new(), ..self }
    }
}

/// A connection by its name in the audit log.
fn connection(text: &str) -> Option<ConnectionKey> {
    let mut parts = text.splitn(3, '/');
    let (tenant, installation) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let name = parts.next().filter(|name| (1..=64).contains(&name.len()))?;
    Some(ConnectionKey { tenant, installation, name: name.to_owned() })
}

impl From<&Freeze> for FreezeView {
    fn from(freeze: &Freeze) -> Self {
        Self {
            number: freeze.number,
            extent: (&freeze.extent).into(),
            reaches: freeze.extent.to_string(),
            reason: freeze.reason.clone(),
            by: freeze.by.clone(),
            since: freeze.since.to_string(),
            rotation: freeze.act.as_ref().map(ToString::to_string),
            incident: freeze.incident.as_ref().map(ToString::to_string),
            platform: freeze.platform,
            released: 0,
        }
    }
}

impl Ports {
    /// In which tenant an installation is; `None`: there is no such installation.
    async fn tenant_of(&self, id: &InstallationId) -> Result<Option<TenantId>, Problem> {
        let all = self.installations.installations().await.map_err(|error| unavailable(&error))?;
        Ok(all.into_iter().find(|one| one.id == *id).map(|one| one.tenant))
    }

    /// Whose a freeze of this extent is; `None`: the platform's, as is that of an installation that nobody knows.
    async fn whose(&self, extent: &Extent) -> Result<Option<TenantId>, Problem> {
        match extent {
            Extent::All | Extent::Provider(_) | Extent::Publisher(_) | Extent::Plugin(_) => Ok(None),
            Extent::Tenant(tenant) => Ok(Some(tenant.clone())),
            Extent::Connection(key) => Ok(Some(key.tenant.clone())),
            Extent::Installation(id) => self.tenant_of(id).await,
        }
    }

    async fn resource(&self, extent: &Extent) -> Result<Resource, Problem> {
        Ok(match self.whose(extent).await? {
            Some(tenant) => Resource::of(tenant, "freeze"),
            None => Resource::of_platform("freeze"),
        })
    }

    /// The freeze with this number.
    async fn find(&self, number: u64) -> Result<Freeze, Problem> {
        let state = self.freezes.freezes().await.map_err(|error| unavailable(&error))?;
        let found = state.freezes.into_iter().find(|freeze| freeze.number == number);
        found.ok_or_else(|| unknown("There is no freeze with this number; see GET /admin/v1/freezes."))
    }
}
