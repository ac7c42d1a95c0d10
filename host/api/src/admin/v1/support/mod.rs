//! The platform's support: in a tenant's data only while the tenant lets it in (ACC-6).
//!
//! Invariants: a tenant's owners alone let support in, for a week at most; whoever may end it ends it with the next request.

mod end;
mod grant;
mod list;

use portcullis_model::{id::TenantId, people::SupportGrant, time::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use super::people::Ports;
use super::people::{called, refused};
use crate::admin::Group;

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<grant::Grant>().with::<end::End>()
}

/// Into whose data.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Into {
    /// The tenant.
    #[param(value_type = String)]
    tenant: TenantId,
}

/// Support access: when, and what for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = SupportAccess)]
pub struct SupportView {
    /// The id.
    id: String,
    /// Whether support may change what gets plugins going again; else it may look.
    may_change: bool,
    /// What for, in a person's words.
    reason: String,
    /// Who let it in.
    by: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// Until when.
    #[schema(format = DateTime)]
    until: String,
    /// When that was ended before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    ended: Option<String>,
    /// Whether it holds now.
    holds: bool,
}

impl SupportView {
    fn of(one: &SupportGrant, now: Timestamp) -> Self {
        Self {
            id: one.id.to_string(),
            may_change: one.may_change,
            reason: one.reason.clone(),
            by: called(&one.by),
            since: one.since.to_string(),
            until: one.until.to_string(),
            ended: one.ended.as_ref().map(ToString::to_string),
            holds: one.holds(now),
        }
    }
}
