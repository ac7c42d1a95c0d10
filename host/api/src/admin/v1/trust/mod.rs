//! Whom this host trusts: roots, and their next versions (INT-1, INT-12).
//!
//! Invariants: a root is changed only by a next version that its keepers signed, whoever sends it; the platform's root is shown to whoever
//! sees what is the platform's own, a tenant's in that tenant.

mod list;
mod take;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use portcullis_model::{people::Resource, time::Clock, trust::RootScope};
use portcullis_packages::{check::Registry, trust::Trust};

use crate::{
    admin::{Group, unavailable},
    problem::Problem,
};

/// What roots are read and taken with.
pub struct Ports {
    /// Where they lie.
    pub registry: Arc<Registry>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<take::Take>()
}

/// What is asked about the root of this scope, or about all of them.
fn resource(scope: Option<&RootScope>) -> Resource {
    match scope {
        Some(RootScope::Tenant(tenant)) => Resource::of(tenant.clone(), "root"),
        Some(RootScope::Platform) | None => Resource::of_platform("root"),
    }
}

impl Ports {
    async fn trust(&self) -> Result<Arc<Trust>, Problem> {
        let trust = self.registry.trust().await.map_err(|error| unavailable(&error))?;
        trust.map_err(|error| unavailable(&error))
    }
}
