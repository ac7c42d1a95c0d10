//! OAuth clients of installations: the back ends of plugins, which ask the host for tokens (INT-1, INT-2). How they stand, what their tokens
//! are for, and their end.
//!
//! Invariants: no token and no private key is answered; what is ended here is good for nothing with the next request.

mod add_key;
mod drop_key;
mod end_tokens;
mod get;
mod list;
mod register;
mod revoke;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;

use portcullis_broker::authz::clients::ClientError;
use portcullis_model::{
    audit::{Entry, Kind, plain},
    id::ClientId,
    installation::InstallationStore,
    oauth::{Client, OAuthStore},
    people::Resource,
    time::Rng,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{Call, Group, Operation, unavailable, unknown},
    problem::{Problem, Reason},
};

/// What clients are looked after with.
pub struct Ports {
    /// Where they and their tokens are.
    pub store: Arc<dyn OAuthStore>,
    /// Whose they are.
    pub installations: Arc<dyn InstallationStore>,
    /// For ids.
    pub rng: Arc<dyn Rng>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<get::Get>()
        .with::<tokens::Tokens>()
        .with::<register::Register>()
        .with::<add_key::AddKey>()
        .with::<drop_key::DropKey>()
        .with::<end_tokens::EndTokens>()
        .with::<revoke::Revoke>()
}

/// Which client.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// Its id.
    #[param(value_type = String)]
    id: ClientId,
}

/// A client: of which installation, how it proves itself, its public keys and where they stand, and whether it was revoked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = Client, value_type = Object)]
pub struct View(Client);

/// Why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EndingClient)]
pub struct Why {
    /// Why; stands in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// A client that was changed, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientChanged)]
pub struct Changed {
    /// Whether this was a rehearsal: nothing was changed then.
    dry_run: bool,
    /// As it is then.
    #[schema(value_type = Object)]
    client: Client,
}

impl Ports {
    async fn all(&self) -> Result<Vec<Client>, Problem> {
        self.store.clients().await.map_err(|error| unavailable(&error))
    }

    async fn find(&self, which: &Which) -> Result<Client, Problem> {
        let found = self.all().await?.into_iter().find(|one| one.id == which.id);
        found.ok_or_else(|| unknown("There is no client with this id; see GET /admin/v1/clients."))
    }

    /// One that was not revoked.
    async fn live(&self, which: &Which) -> Result<Client, Problem> {
        let found = self.find(which).await?;
        match found.revoked {
            None => Ok(found),
            Some(_) => Err(Problem::new(Reason::Conflict, "This client was revoked before.")),
        }
    }

    async fn resource(&self, which: &Which) -> Result<Resource, Problem> {
        let found = self.find(which).await?;
        Ok(Resource::of(found.tenant, "client").named(found.id.to_string()))
    }
}

/// An entry about a client.
fn entry<O: Operation>(call: &Call<O>, kind: Kind, client: &Client) -> Entry {
    Entry::new(call.now(), kind, call.actor(), Some(client.tenant.clone()))
}

fn refused(error: ClientError) -> Problem {
    match error {
        ClientError::Store(error) => unavailable(&error),
        other => Problem::new(Reason::Conflict, format!("It was not done: {}.", plain(&other.to_string()))),
    }
}
