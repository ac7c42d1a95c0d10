//! `POST /support`: lets the platform's support in, for a time.

use axum::http::StatusCode;
use portcullis_model::people::{Resource, actions};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Into, Ports, SupportView, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, v1::people::until, v1::reason},
    problem::{Problem, Reason},
};

/// Lets support in.
pub struct Grant;

/// Until when, and what for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewSupportAccess)]
pub struct Granting {
    /// Until when: a time such as `2027-01-31T18:00:00Z`, or a day; at most a week ahead.
    until: String,
    /// What for; stands in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// To change what gets plugins going again, too.
    #[serde(default)]
    may_change: bool,
}

/// Support access that was given, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SupportGranted)]
pub struct Granted {
    /// Whether this was a rehearsal: nobody was let in then.
    dry_run: bool,
    /// What was given.
    access: SupportView,
}

impl Operation for Grant {
    type Ports = Ports;
    type Path = Bare;
    type Query = Into;
    type Body = Sent<Granting>;
    type Answer = Granted;

    const ABOUT: About = About::post(actions::SUPPORT_GRANT, "/support", "Let support in for a time")
        .text("The platform's support sees and does nothing in a tenant beyond what this lets it; each act of it is in the tenant's log.")
        .on(On::Tenant)
        .dry_run()
        .answers(StatusCode::CREATED, "application/json");

    async fn resource(_: &Ports, _: &Bare, query: &Into, _: &Sent<Granting>) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "support"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Granted>, Problem> {
        let Granting { until: end, reason: why, may_change } = &call.body.0;
        let missing = || Problem::new(Reason::WrongBody, "until: say when it ends.");
        let (why, end) = (reason(why)?, until(Some(end))?.ok_or_else(missing)?);
        let (access, tenant) = (ports.acting(call.dry_run)?, &call.query.tenant);
        let grant = access.grant_support(&call.caller, tenant, end, *may_change, &why).await.map_err(refused)?;
        let reply = Reply::json(Granted { dry_run: call.dry_run, access: SupportView::of(&grant, call.now()) });
        Ok(if call.dry_run { reply.tried() } else { reply.found_at(format!("/support?tenant={tenant}")) })
    }
}
