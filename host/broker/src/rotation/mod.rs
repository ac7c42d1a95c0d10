//! Answers for replacing credentials: in good order by policy (INT-5), and all at once after a breach (INT-6).
//!
//! - [`book`] holds every request to the freezes, [`brake`] the host's own renewals.
//! - [`credentials`] is what the act needs of whoever keeps something that can be rotated; [`steps`] says in which order.
//! - [`act`] carries out: freeze, end what is under way, revoke, mint anew or ask for a person, resume, each credential on its own.
//! - [`rehearsal`] does the same against stand-ins; [`memory`] is the storage of that.
//! - [`ending`] revokes what was ended for good, where it was issued.
//! - [`schedule`] says what is due by policy, and rotates it; [`source`] is what sources of events sign with.
//! - [`report`] is what an act leaves behind.
//!
//! What is ABSENT here: how a provider is asked (that is an issuer's), and where credentials are kept.
//!
//! Invariants: an act is stored before it begins, and frozen until it is through; a step that may have been taken is taken again
//! before anything goes on; no text, line or report holds a secret.

mod act;
mod book;
mod brake;
mod connections;
mod credentials;
mod ending;
mod line;
mod memory;
mod rehearsal;
mod report;
mod schedule;
mod source;
mod steps;

pub use act::{Order, Pace, Progress, Quiet, Reach, RotateError, Rotator};
pub use book::{BookError, Change, FreezeBook, Pass, Reload, TICK};
pub use brake::Brake;
pub use connections::Upstreams;
pub use credentials::{Credentials, Families, StepError};
pub use ending::{Endings, Fate};
pub use memory::Memory;
pub use rehearsal::{Latency, NobodyServes, Rehearsed};
pub use report::{MAX_REPORT, PREDICATE, Report, ReportError, Totals};
pub use schedule::{Batches, LEFT_ALONE, Scheduler, Status};
pub use source::{NotRegistered, Sources};

use std::time::Duration;

use portcullis_model::{
    error::StoreError,
    id::TenantId,
    rotation::{Policy, RotationStore, Scope},
};

/// How long old secrets go on beside new ones, as the host's policy and this tenant's say.
///
/// # Errors
/// Storage.
pub async fn overlap(store: &dyn RotationStore, tenant: Option<&TenantId>) -> Result<Duration, StoreError> {
    let policies = store.policies().await?;
    let of_tenant = tenant.cloned().map(Scope::Tenant);
    let wanted = |scope: &Scope| *scope == Scope::Host || Some(scope) == of_tenant.as_ref();
    let met = Policy::meet(policies.iter().filter(|(scope, _)| wanted(scope)).map(|(_, policy)| policy));
    Ok(met.overlap())
}
