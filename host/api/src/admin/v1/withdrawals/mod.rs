//! Withdrawals and quarantines: what is in force, what is taken back, and what is let go on (INT-10, MNT-3).
//!
//! Invariants: a withdrawal is signed by keys that this host does not have; what is filed says just what the request says, and is signed
//! by whom the root that is asked for trusts with it; what a tenant withdraws at home is the tenant's alone.

mod file;
mod filing;
mod lift;
mod list;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{error::StoreError, id::TenantId, people::Resource, time::Clock, trust::RootScope};
use portcullis_packages::{
    check::Registry,
    trust::{By, Trust},
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::within::of_tenant;
use crate::{
    admin::{Group, unavailable},
    problem::Problem,
};

/// Sees that what is trusted now is enforced.
#[async_trait]
pub trait Enforces: Send + Sync {
    /// Where the log stands: before something is withdrawn.
    ///
    /// # Errors
    /// Storage.
    async fn mark(&self) -> Result<u64, StoreError>;

    /// Waits until what is trusted now is enforced, and says what came of it since that mark: which installations were `suspended`, in
    /// which tenant each, and what was ended. Where a tenant is named: of that tenant alone.
    ///
    /// # Errors
    /// It cannot be said; in words for the host's log.
    async fn receipt(&self, since: u64, of: Option<&TenantId>) -> Result<Value, String>;
}

/// What withdrawals are read and made with.
pub struct Ports {
    /// Where statements lie.
    pub registry: Arc<Registry>,
    /// What enforces them.
    pub enforces: Arc<dyn Enforces>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<file::File>().with::<lift::Lift>()
}

/// By whose root.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct ByRoot {
    /// `platform`, or `tenant:` and a tenant with a root of its own; the platform's, where it is not there. A publisher's yank is by the
    /// platform's, which knows the publisher.
    #[param(value_type = Option<String>)]
    root: Option<RootScope>,
}

impl ByRoot {
    fn scope(&self) -> RootScope {
        self.root.clone().unwrap_or(RootScope::Platform)
    }

    fn resource(&self) -> Resource {
        of_tenant(self.root.as_ref().and_then(RootScope::tenant), "withdrawal")
    }
}

/// By whose root somebody withdraws it.
fn root_of(by: &By) -> RootScope {
    match by {
        By::Publisher => RootScope::Platform,
        By::Root(scope) => scope.clone(),
    }
}

/// `publisher`, `platform`, or `tenant:` and its name.
fn name_of(by: &By) -> String {
    match by {
        By::Publisher => "publisher".to_owned(),
        By::Root(scope) => scope.to_string(),
    }
}

impl Ports {
    async fn trust(&self) -> Result<Arc<Trust>, Problem> {
        let trust = self.registry.trust().await.map_err(|error| unavailable(&error))?;
        trust.map_err(|error| unavailable(&error))
    }
}
