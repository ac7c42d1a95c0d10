//! `DELETE /roles/{name}`: removes a role that nobody holds.

use portcullis_access::RoleReach;
use portcullis_model::people::{Resource, actions};

use super::{Changed, Of, Ports, Which, found, no_role, refused};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Removes a role.
pub struct Remove;

impl Operation for Remove {
    type Ports = Ports;
    type Path = Which;
    type Query = Of;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About = About::delete(actions::ROLES_CHANGE, "/roles/{name}", "Remove a role")
        .id("roles.remove")
        .text("Only where nobody holds it. Its name cannot be used again.")
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &Of, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "role").named(path.name.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let (access, tenant, name) = (ports.acting(call.dry_run)?, &call.query.tenant, &call.path.name);
        let role = found(&access, &call.caller, tenant, name).await?.ok_or_else(no_role)?;
        access.remove_role(&call.caller, tenant, name).await.map_err(refused)?;
        let lost = RoleReach::of(&role.rules).beyond(&RoleReach::default());
        let (gained, holders) = (Vec::new(), Vec::new());
        let reply = Reply::json(Changed { dry_run: call.dry_run, role: None, gained, lost, holders });
        Ok(if call.dry_run { reply.tried() } else { reply })
    }
}
