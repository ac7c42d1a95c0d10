//! `PUT /roles/{name}`: writes a role of a tenant's own anew.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Of, Ports, RuleView, Which, found, no_role, put};
use crate::{
    admin::{About, Call, On, Operation, Reply, Sent, Version, v1::people::pinned},
    problem::{Problem, Reason},
};

/// Changes a role.
pub struct Change;

/// To what.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoleAnew)]
pub struct Anew {
    /// What it is for.
    #[schema(min_length = 1, max_length = 200)]
    says: String,
    /// What it permits and forbids.
    #[schema(min_items = 1, max_items = 64)]
    rules: Vec<RuleView>,
}

impl Operation for Change {
    type Ports = Ports;
    type Path = Which;
    type Query = Of;
    type Body = Sent<Anew>;
    type Answer = Changed;

    const ABOUT: About = About::put(actions::ROLES_CHANGE, "/roles/{name}", "Change a role")
        .text("In force with the next request of whoever holds it. A rehearsal says who would gain or lose what.")
        .on(On::Tenant)
        .dry_run()
        .version(Version::Needed)
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &Of, _: &Sent<Anew>) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "role").named(path.name.to_string()))
    }

    async fn handle(ports: &Ports, mut call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let (tenant, name) = (call.query.tenant.clone(), call.path.name.clone());
        let before = found(ports.access()?, &call.caller, &tenant, &name).await?.ok_or_else(no_role)?;
        pinned(call.expected, before.version)?;
        let rules = std::mem::take(&mut call.body.0.rules);
        put(ports, &call, &tenant, &name, (&call.body.0.says, rules)).await
    }
}
