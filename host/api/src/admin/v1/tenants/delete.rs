//! `DELETE /tenants/{id}`: deletes all that is a tenant's own, for good.

use axum::http::StatusCode;
use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{DeletionView, Ports, Which};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply, given::wrong},
    problem::{Problem, Reason},
};

/// Deletes one.
pub struct Delete;

/// What is meant, once more.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Confirmed {
    /// The tenant's id once more, typed by whoever deletes it: nothing of it can be had back. A rehearsal needs none.
    #[param(value_type = Option<String>)]
    confirm: Option<TenantId>,
    /// End installations that are active, in the same act.
    contain: Option<bool>,
}

/// What is deleted, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TenantDeleted)]
pub struct Deleted {
    /// Whether this was a rehearsal: nothing was deleted then.
    dry_run: bool,
    /// What there is of it: rows, files and records by part, the installations that are active, what backups hold, and what stands in the way.
    #[schema(value_type = Object)]
    plan: Value,
    /// How the deletion stands; absent in a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion: Option<DeletionView>,
}

impl Operation for Delete {
    type Ports = Ports;
    type Path = Which;
    type Query = Confirmed;
    type Body = Nothing;
    type Answer = Deleted;

    const ABOUT: About = About::delete(actions::TENANTS_DELETE, "/tenants/{id}", "Delete a tenant")
        .text(
            "From this request on nothing of it runs or is taken, and its id is not given again. The running host deletes it part by part; \
             asked again, it says how far that is. Export it first. A tenant that the configuration has a section for, or with \
             installations that are active, is refused, the latter unless they are to be ended by it.",
        )
        .on(On::Host)
        .dry_run()
        .answers(StatusCode::ACCEPTED, "application/json")
        .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(_: &Ports, path: &Which, _: &Confirmed, _: &Nothing) -> Result<Resource, Problem> {
        Ok(path.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Deleted>, Problem> {
        let tenant = &call.path.id;
        if !call.dry_run && call.query.confirm.as_ref() != Some(tenant) {
            return Err(wrong("confirm: name the tenant once more; nothing was deleted."));
        }
        let plan = ports.deletions.plan(tenant).await?;
        if call.dry_run {
            return Ok(Reply::json(Deleted { dry_run: true, plan, deletion: None }).tried());
        }
        let begun = ports.deletions.begin(tenant, call.query.contain.unwrap_or(false), call.actor()).await?;
        let deletion = Some(DeletionView::of(tenant, begun));
        Ok(Reply::json(Deleted { dry_run: false, plan, deletion }))
    }
}
