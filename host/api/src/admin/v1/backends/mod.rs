//! Back ends: the part of a plugin outside of the sandbox, where an installation's signed messages go, and what became of them (INT-8, DAT-13).
//!
//! Invariants: a key is answered once, by the act that made it; the query of an address is answered to nobody; nobody sends an installation's events where the installation itself may not
//! send; each setting names the one that it was made from.

mod get;
mod list;
mod messages;
mod remove;
mod replay;
mod rotate;
mod set;
#[cfg(test)]
mod tests;
mod trying;

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_broker::standard_webhooks::{KeysError, SigningKeys, key::Scheme, ring::KeyInfo};
use portcullis_model::{
    audit::{Entry, Kind, plain},
    error::StoreError,
    id::{InstallationId, TenantId},
    installation::{Installation, InstallationStore},
    people::Resource,
    target::Target,
    webhook::{BackEnd, BackEnds, Outbox},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{Call, Group, Operation, not_kept, unavailable, v1::installed},
    problem::{Problem, Reason},
};

/// Says whether an installation's own authority covers an address now.
#[async_trait]
pub trait MaySend: Send + Sync {
    /// Why an installation may not post there; `None` where it may.
    ///
    /// # Errors
    /// It cannot be said.
    async fn refusal(&self, installation: &Installation, url: &Target) -> Result<Option<String>, StoreError>;
}

/// What back ends are looked after with.
pub struct Ports {
    /// Where they are.
    pub back_ends: Arc<dyn BackEnds>,
    /// What is sent to them.
    pub outbox: Arc<dyn Outbox>,
    /// Whose installations are.
    pub installations: Arc<dyn InstallationStore>,
    /// What messages are signed with.
    pub keys: SigningKeys,
    /// Where an installation may send.
    pub grants: Arc<dyn MaySend>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<get::Get>()
        .with::<set::Set>()
        .with::<remove::Remove>()
        .with::<rotate::Rotate>()
        .with::<messages::Messages>()
        .with::<replay::SendAgain>()
        .with::<trying::Try>()
}

/// Of which installation.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// The installation.
    #[param(value_type = String)]
    id: InstallationId,
}

/// How messages are signed.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = BackEndScheme)]
pub enum SchemeName {
    /// HMAC-SHA256 with a shared secret (`whsec_`).
    Hmac,
    /// Ed25519: the back end gets a public key only (`whpk_`).
    Ed25519,
}

impl From<SchemeName> for Scheme {
    fn from(name: SchemeName) -> Self {
        match name {
            SchemeName::Hmac => Self::Hmac,
            SchemeName::Ed25519 => Self::Ed25519,
        }
    }
}

/// A back end: of which installation, where its messages go, which of them, and how the last attempts went. Its address is shown without
/// its query, which may hold a secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = BackEnd, value_type = Object)]
pub struct View(BackEnd);

impl View {
    fn of(one: BackEnd) -> Self {
        Self(BackEnd { url: one.url.without_query(), ..one })
    }
}

/// An installation's back end, and how its keys stand. Never a key that can be kept secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = BackEndDetail)]
pub struct Detail {
    /// The installation.
    installation: String,
    /// The back end; null where there is none.
    #[schema(value_type = Option<Object>)]
    back_end: Option<View>,
    /// Its keys: which one signs, since when, and the public one where it has one.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<KeyInfo>,
}

/// A back end that was set or taken away, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = BackEndChanged)]
pub struct Changed {
    /// Whether this was a rehearsal: nothing was changed then.
    #[serde(rename = "dry_run")]
    dry_run: bool,
    /// The back end, as it is then, or as it was where it is taken away.
    #[schema(value_type = Object)]
    back_end: View,
    /// What the back end checks signatures with, where a key was made: nobody sees it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

fn none() -> Problem {
    Problem::new(Reason::Conflict, "This installation has no back end; set one first.")
}

fn changed_meanwhile() -> Problem {
    Problem::new(Reason::OtherVersion, "Somebody else has just changed it: look again, and send it once more.")
}

fn refused(error: KeysError) -> Problem {
    match error {
        KeysError::Vault(_) | KeysError::Store(_) | KeysError::Unreadable { .. } => not_kept(&error),
        other => Problem::new(Reason::Conflict, format!("The key was not changed: {}.", plain(&other.to_string()))),
    }
}

impl Ports {
    async fn find(&self, which: &Which) -> Result<Installation, Problem> {
        installed(self.installations.as_ref(), &which.id).await
    }

    async fn resource(&self, which: &Which) -> Result<Resource, Problem> {
        let found = self.find(which).await?;
        Ok(Resource::of(found.tenant, "installation").named(found.id.to_string()))
    }

    async fn back_end(&self, id: &InstallationId) -> Result<Option<BackEnd>, Problem> {
        self.back_ends.back_end(id).await.map_err(|error| unavailable(&error))
    }

    /// The installation of a request, and its back end.
    async fn both<O: Operation<Path = Which>>(&self, call: &Call<O>) -> Result<(Installation, BackEnd), Problem> {
        let installation = self.find(&call.path).await?;
        let back_end = self.back_end(&installation.id).await?.ok_or_else(none)?;
        Ok((installation, back_end))
    }
}

/// Whose keys an installation's back end has.
fn owner(of: &Installation) -> (TenantId, InstallationId) {
    (of.tenant.clone(), of.id.clone())
}

/// An entry about an installation's back end.
fn entry<O: Operation>(call: &Call<O>, kind: Kind, of: &Installation) -> Entry {
    Entry::new(call.now(), kind, call.actor(), Some(of.tenant.clone()))
        .about(format!("installation:{}", of.id))
        .with("plugin", of.plugin.as_str())
}
