//! `GET /privacy/leaving`: what there is of a tenant, and would go where it is deleted.

use portcullis_model::people::{Resource, actions};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Of, Ports};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Says what would go.
pub struct Leaving;

/// What there is of a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TenantLeaving)]
pub struct LeavingView {
    /// Rows, files and records by part, the installations that are active, what backups hold, and what stands in the way.
    #[schema(value_type = Object)]
    plan: Value,
}

impl Operation for Leaving {
    type Ports = Ports;
    type Path = Bare;
    type Query = Of;
    type Body = Nothing;
    type Answer = LeavingView;

    const ABOUT: About = About::get(actions::PRIVACY_LEAVING, "/privacy/leaving", "See what would go with a tenant")
        .text("Nothing is deleted by this. The platform's owner deletes a tenant.")
        .on(On::Tenant)
        .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, query: &Of, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "tenant"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<LeavingView>, Problem> {
        Ok(Reply::json(LeavingView { plan: ports.desk.leaving(&call.query.tenant).await? }))
    }
}
