//! `GET /roles`: the roles of a tenant: those that come with the host, then its own.

use portcullis_model::people::{BuiltIn, Resource, actions};

use super::{Of, Ports, RoleView, built_in, refused};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists roles.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Of;
    type Body = Nothing;
    type Answer = Page<RoleView>;

    const ABOUT: About = About::get(actions::ROLES_LIST, "/roles", "List roles").on(On::Tenant).paged();

    async fn resource(_: &Ports, _: &Bare, query: &Of, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "role"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let (access, tenant) = (ports.access()?, &call.query.tenant);
        let mut all = Vec::new();
        for role in BuiltIn::ALL {
            all.extend(built_in(access, tenant, role).await?);
        }
        let own = access.roles(&call.caller, tenant).await.map_err(refused)?;
        all.extend(own.iter().map(RoleView::from));
        call.page(all.into_iter(), |role| role.name.clone()).map(Reply::json)
    }
}
