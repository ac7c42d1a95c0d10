//! `GET /automation`: a tenant's programs, by name.

use portcullis_model::people::{Resource, actions};

use super::{AutomationView, Ports, Whose, refused};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists automation.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Whose;
    type Body = Nothing;
    type Answer = Page<AutomationView>;

    const ABOUT: About = About::get(actions::PEOPLE_LIST, "/automation", "List programs that use this API")
        .id("automation.list")
        .on(On::Tenant)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Whose, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource(None))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let found = ports.access()?.automations(&call.caller, &call.query.tenant).await.map_err(refused)?;
        let now = call.now();
        call.page(found.iter().map(|one| AutomationView::of(one, now)), |one| one.client.clone()).map(Reply::json)
    }
}
