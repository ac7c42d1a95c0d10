//! Where alerts are posted to: the operator's endpoint, of all of them, and a tenant's own, of its own (MON-4, DAT-13).
//!
//! Invariants: a key is answered once, by the act that made it; path and query of an address are answered to nobody, and stand in no
//! log; each setting names the one that it was made from; a tenant's endpoint is on no address of this machine, and on a
//! host that the operator placed by hand only where the operator says so.

mod list;
mod remove;
mod rotate;
mod set;
#[cfg(test)]
mod tests;
mod trying;

use std::{collections::BTreeSet, sync::Arc};

use portcullis_broker::standard_webhooks::alerts::{AlertKeys, AlertKeysError};
use portcullis_model::{
    alert::{AlertOutbox, Endpoint},
    audit::{Entry, Kind, plain},
    id::TenantId,
    people::Resource,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::within::of_tenant;
use crate::{
    admin::{Call, Group, Operation, not_kept, unavailable},
    problem::{Problem, Reason},
};

/// What endpoints are looked after with.
pub struct Ports {
    /// Where they are, and what waits for them.
    pub outbox: Arc<dyn AlertOutbox>,
    /// What alerts are signed with.
    pub keys: AlertKeys,
    /// Hosts that the operator placed by hand, whose addresses nobody judges.
    pub placed: BTreeSet<String>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<set::Set>()
        .with::<remove::Remove>()
        .with::<rotate::Rotate>()
        .with::<trying::Try>()
}

/// Whose endpoint.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Whose {
    /// A tenant's own; the operator's, where it is not there.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

impl Whose {
    fn resource(&self) -> Resource {
        of_tenant(self.tenant.as_ref(), KIND)
    }
}

/// What endpoints are called where rights are asked about.
const KIND: &str = "alert-endpoint";

/// An endpoint: whose, where alerts are posted to, how severe they are at least, and how the last attempts went. `generation` is the
/// version that a change names. Of its address no more is shown than where it leads: path and query may hold a secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = AlertEndpoint, value_type = Object)]
pub struct View(Endpoint);

impl View {
    fn of(one: &Endpoint) -> Self {
        Self(Endpoint { url: one.origin().to_owned(), ..one.clone() })
    }
}

/// An endpoint that was set or taken away, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertEndpointChanged)]
pub struct Changed {
    /// Whether this was a rehearsal: nothing was changed then.
    dry_run: bool,
    /// The endpoint, as it is then, or as it was where it is taken away.
    #[schema(value_type = Object)]
    endpoint: View,
    /// What signatures are checked with, where a key was made: nobody sees it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// In words.
fn whose(tenant: Option<&TenantId>) -> String {
    tenant.map_or_else(|| "the host and all tenants".to_owned(), |tenant| format!("tenant {tenant}"))
}

fn none(tenant: Option<&TenantId>) -> Problem {
    Problem::new(Reason::Conflict, format!("There is no endpoint for alerts of {}; set one first.", whose(tenant)))
}

fn changed_meanwhile() -> Problem {
    Problem::new(Reason::OtherVersion, "Somebody else has just changed it: look again, and send it once more.")
}

fn refused(error: AlertKeysError) -> Problem {
    match error {
        AlertKeysError::Busy => changed_meanwhile(),
        AlertKeysError::Ring(_) => {
            Problem::new(Reason::Conflict, format!("The key was not changed: {}.", plain(&error.to_string())))
        }
        AlertKeysError::Unreadable(_) | AlertKeysError::Vault(_) => not_kept(&error),
    }
}

impl Ports {
    async fn all(&self) -> Result<Vec<Endpoint>, Problem> {
        self.outbox.endpoints().await.map_err(|error| unavailable(&error))
    }

    async fn find(&self, tenant: Option<&TenantId>) -> Result<Option<Endpoint>, Problem> {
        Ok(self.all().await?.into_iter().find(|one| one.tenant.as_ref() == tenant))
    }
}

/// An entry about the endpoint that is asked about.
fn entry<O: Operation>(call: &Call<O>, step: &str) -> Entry {
    Entry::new(call.now(), Kind::AlertEndpoint, call.actor(), call.resource.tenant.clone())
        .about(KIND)
        .with("step", step)
}
