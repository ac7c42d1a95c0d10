//! The log itself: its signed heads and what proves from them, who cosigns it and who is sent it, and what of it is taken away.
//!
//! Invariants: who reaches some tenants only is shown the views of those, and proofs of entries of those; what is taken away is on record
//! with the act, by whom and why; what is tried out makes every check that the act makes, and writes nothing.

mod add_witness;
mod ask_witnesses;
mod bundle;
mod checkpoint;
mod consistency;
mod dispose;
mod erase;
mod keys;
mod outlets;
mod port;
mod proof;
mod remove_witness;
#[cfg(test)]
mod tests;
mod views;
mod witnesses;

use std::sync::Arc;

use portcullis_model::{
    audit::{Recorder, reader::AuditReader},
    id::TenantId,
    people::Resource,
};
use serde::Deserialize;
use utoipa::IntoParams;

pub use self::{
    bundle::{Bundles, Chosen, Order},
    port::{
        Asked, Cut, Disposed, Erased, Growth, Head, Keys, LogError, NewWitness, Outlet, Part, Proofs, Upkeep, Values,
        View, Witness,
    },
};
use super::within::of_tenant;
use crate::{
    admin::{Group, given::wrong, sentence, unavailable, unknown},
    problem::{Problem, Reason},
};

/// What is done with the log, and how it is read.
pub struct Ports {
    /// What shows that it is what it was.
    pub proofs: Arc<dyn Proofs>,
    /// Who looks after it.
    pub upkeep: Arc<dyn Upkeep>,
    /// Who takes entries along.
    pub bundles: Arc<dyn Bundles>,
    /// Reads it.
    pub reader: Arc<dyn AuditReader>,
    /// Where it is written down that somebody reads.
    pub recorder: Arc<dyn Recorder>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<checkpoint::Newest>()
        .with::<consistency::Grown>()
        .with::<views::List>()
        .with::<proof::Prove>()
        .with::<keys::Show>()
        .with::<bundle::Take>()
        .with::<witnesses::List>()
        .with::<add_witness::Add>()
        .with::<remove_witness::Remove>()
        .with::<ask_witnesses::Ask>()
        .with::<outlets::List>()
        .with::<erase::Erase>()
        .with::<dispose::Dispose>()
}

/// What most of them are about.
fn log() -> Resource {
    Resource::of_platform("log")
}

/// The whole log, or a view of it.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// This tenant's view. Absent: the whole log.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// The view of what is no tenant's.
    host: Option<bool>,
}

impl Which {
    fn resource(&self) -> Resource {
        of_tenant(self.tenant.as_ref(), "log")
    }

    fn part(&self) -> Result<Part, Problem> {
        match (&self.tenant, self.host.unwrap_or_default()) {
            (Some(_), true) => Err(wrong("host: a tenant is named already.")),
            (Some(tenant), false) => Ok(Part::View(Some(tenant.clone()))),
            (None, true) => Ok(Part::View(None)),
            (None, false) => Ok(Part::Whole),
        }
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unknown(why) => unknown(&sentence(&why)),
            LogError::Conflict(why) => Self::new(Reason::Conflict, sentence(&why)),
            LogError::Refused(why) => Self::new(Reason::Refused, sentence(&why)),
            LogError::Failed(why) => unavailable(&why),
        }
    }
}
