//! Credentials for upstream APIs: how they stand, never what they are; stored, consented to, and ended (INT-3, INT-4).
//!
//! Invariants: nothing that is answered is a secret, but for a link that is answered once; what is sent as a secret goes into the vault and
//! nowhere else; what is tried out asks no provider and writes nothing; a connection that is ended here is used by no request any more,
//! whatever its provider says.

mod add;
mod get;
mod list;
mod reconnect;
mod revoke;
#[cfg(test)]
pub(super) mod tests;

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use portcullis_broker::{
    connecting::Connecting,
    consent::{Asked, ConsentError, Desk, Keeps, Wanted as Anew},
    rotation::Endings,
};
use portcullis_model::{
    audit::{Actor, plain},
    connection::{ConnectionKey, ConnectionView, Origin},
    ending::EndingStore,
    id::{InstallationId, TenantId},
    installation::{Installation, InstallationStore},
    people::{Caller, Principal, Resource},
    rotation::{Act, Line, RotationStore},
    secret::Secret,
    target::Target,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) use self::revoke::told;
use crate::{
    admin::{Group, sentence, unavailable, unknown, v1::installed},
    problem::{Problem, Reason},
};

/// What ends connections in somebody's name.
pub type EndedBy = Box<dyn Fn(Actor) -> Endings + Send + Sync>;

/// What asks people for their consent.
#[async_trait]
pub trait Asks: Send + Sync {
    /// Makes a link for this, with the client's secret, or the one that the connection has already.
    ///
    /// # Errors
    /// It is not a connection that a person consents to, or storage.
    async fn link(&self, wanted: Anew, client: Option<Secret>) -> Result<Asked, ConsentError>;

    /// Whether there could be a link for this, whatever secret the client has.
    ///
    /// # Errors
    /// As [`Asks::link`].
    async fn check(&self, wanted: &Anew) -> Result<(), ConsentError>;

    /// Whether this is the secret that it needs; `None`: the one that the connection has already, or none.
    ///
    /// # Errors
    /// It is not.
    async fn check_client(&self, wanted: &Anew, client: Option<&Secret>) -> Result<(), ConsentError>;
}

#[async_trait]
impl Asks for Desk {
    async fn link(&self, wanted: Anew, client: Option<Secret>) -> Result<Asked, ConsentError> {
        self.ask(wanted, client).await
    }

    async fn check(&self, wanted: &Anew) -> Result<(), ConsentError> {
        Desk::check(self, wanted).await
    }

    async fn check_client(&self, wanted: &Anew, client: Option<&Secret>) -> Result<(), ConsentError> {
        Desk::check_client(self, wanted, client).await
    }
}

/// What connections are looked after with.
pub struct Ports {
    /// Where they are.
    pub keeps: Arc<dyn Keeps>,
    /// What ends them.
    pub ended_by: EndedBy,
    /// What asks people for their consent.
    pub desk: Arc<dyn Asks>,
    /// What stores those that no person consents to.
    pub connecting: Connecting,
    /// Whose requests can carry them.
    pub installations: Arc<dyn InstallationStore>,
    /// Which of those that were ended are not revoked at their providers yet.
    pub owed: Arc<dyn EndingStore>,
    /// What became of rotations.
    pub rotations: Arc<dyn RotationStore>,
    /// Hosts that the operator placed: this host reaches them by no other way than it reaches its own.
    pub placed: BTreeSet<String>,
    /// How browsers reach this host, for links; none where no address is known.
    pub base: Option<String>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<get::Get>()
        .with::<add::Add>()
        .with::<revoke::Revoke>()
        .with::<reconnect::Reconnect>()
}

/// Which connection.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// The installation whose requests carry it.
    #[param(value_type = String)]
    installation: InstallationId,
    /// Its name there.
    name: String,
}

/// A connection: whose, from which provider, where it goes, and how it stands. Never the credential.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = Connection, value_type = Object)]
pub struct View(pub ConnectionView);

/// A connection, as everybody may see it, with what was done about it last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionDetail)]
pub struct Detail {
    /// It.
    #[schema(value_type = Object)]
    connection: ConnectionView,
    /// The rotations that it was in, the latest first.
    rotations: Vec<Turned>,
    /// Where the next ones are: a path and query, as in the `Link` header. Absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What a rotation did to a connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ConnectionRotation)]
pub struct Turned {
    /// Which rotation.
    rotation: String,
    /// When it began.
    #[schema(format = DateTime)]
    started: String,
    /// How: `planned` or `emergency`.
    #[schema(value_type = String)]
    mode: portcullis_model::rotation::Mode,
    /// What became of the credential.
    #[schema(value_type = String)]
    outcome: portcullis_model::rotation::Outcome,
    /// What became of the old one at its provider.
    #[schema(value_type = String)]
    revocation: portcullis_model::rotation::Revocation,
}

impl From<(Act, Line)> for Turned {
    fn from((act, line): (Act, Line)) -> Self {
        Self {
            rotation: act.id.to_string(),
            started: act.started.to_string(),
            mode: act.mode,
            outcome: line.outcome,
            revocation: line.revocation,
        }
    }
}

impl Ports {
    async fn views(&self) -> Result<Vec<ConnectionView>, Problem> {
        self.keeps.views().await.map_err(|error| unavailable(&error))
    }

    async fn find(&self, which: &Which) -> Result<ConnectionView, Problem> {
        let is_it = |one: &ConnectionView| one.key.installation == which.installation && one.key.name == which.name;
        let found = self.views().await?.into_iter().find(is_it);
        found.ok_or_else(|| unknown("There is no such connection; see GET /admin/v1/connections."))
    }

    async fn resource(&self, which: &Which) -> Result<Resource, Problem> {
        let found = self.find(which).await?;
        Ok(Resource::of(found.key.tenant.clone(), "connection")
            .named(format!("{}/{}", found.key.installation, found.key.name)))
    }

    async fn installation(&self, which: &Which) -> Result<Installation, Problem> {
        installed(self.installations.as_ref(), &which.installation).await
    }

    /// Fails where a provider's address, as the request says it, is at a host that the operator placed: this host itself would send a
    /// request there, past all that plugins' requests are held to. What a definition of the operator's own says is theirs.
    fn may_ask(&self, by: &Caller, origin: &Origin) -> Result<(), Problem> {
        let is_placed =
            |value: &String| value.parse::<Target>().is_ok_and(|target| self.placed.contains(target.host()));
        let found = origin.settings.iter().find(|(_, value)| is_placed(value));
        match found.filter(|_| by.principal != Principal::Operator) {
            None => Ok(()),
            Some((name, _)) => {
                let advice = format!(
                    "settings: {name} is at a host that only the operator has tokens asked for at; have them define a provider, or \
                     store the connection."
                );
                Err(Problem::new(Reason::Refused, plain(&advice)))
            }
        }
    }

    /// What a request for a connection that there may not be yet is about.
    async fn resource_new(&self, which: &Which) -> Result<Resource, Problem> {
        let of = self.installation(which).await?;
        Ok(Resource::of(of.tenant, "connection").named(format!("{}/{}", of.id, which.name)))
    }

    /// The key of a connection that there may not be yet.
    async fn key_new(&self, which: &Which) -> Result<ConnectionKey, Problem> {
        let of = self.installation(which).await?;
        if of.is_gone() {
            return Err(Problem::new(Reason::Conflict, "The plugin was uninstalled: nothing can be connected to it."));
        }
        ConnectionKey::of(&of, &which.name).map_err(|wrong| Problem::new(Reason::WrongBody, sentence(&wrong)))
    }
}

/// A secret in a body: read into the one type that is never printed.
fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(|text| Secret::new(text.into_bytes())))
}

/// Whose connections.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// Only those in this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Only those of this installation.
    #[param(value_type = Option<String>)]
    installation: Option<InstallationId>,
}
