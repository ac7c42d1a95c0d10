//! `GET /roles/{name}`: one role.

use portcullis_model::people::{BuiltIn, Resource, actions};

use super::{Of, Ports, RoleView, Which, built_in, found, no_role};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply, Version},
    problem::{Problem, Reason},
};

/// Shows a role.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Of;
    type Body = Nothing;
    type Answer = RoleView;

    const ABOUT: About = About::get(actions::ROLES_LIST, "/roles/{name}", "See a role")
        .id("roles.get")
        .on(On::Tenant)
        .version(Version::Shown)
        .refuses(&[Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &Of, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "role").named(path.name.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<RoleView>, Problem> {
        let (access, tenant, name) = (ports.access()?, &call.query.tenant, &call.path.name);
        if let Some(role) = BuiltIn::of(name) {
            let view = built_in(access, tenant, role).await?;
            return view.map(|view| Reply::json(view).at(0)).ok_or_else(no_role);
        }
        let role = found(access, &call.caller, tenant, name).await?.ok_or_else(no_role)?;
        Ok(Reply::json(RoleView::from(&role)).at(role.version))
    }
}
