//! `GET /people`: who has a role in a tenant, or on the platform.

use portcullis_model::{
    id::PersonId,
    people::{Resource, actions},
};

use super::{At, PersonView, Ports, refused};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, given::wrong},
    problem::Problem,
};

/// Lists people.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = At;
    type Body = Nothing;
    type Answer = Page<PersonView>;

    const ABOUT: About = About::get(actions::PEOPLE_LIST, "/people", "List people and their roles")
        .text("Those who hold a role there. What they do elsewhere is not said.")
        .on(On::Tenant)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &At, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("person"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let whole = |_| wrong("cursor: it is not whole; begin anew without one.");
        let mut after: Option<PersonId> = call.after().map(str::parse).transpose().map_err(whole)?;
        let (access, place, mut items) = (ports.access()?, call.query.tenant.as_ref(), Vec::new());
        loop {
            let found = access.people(&call.caller, place, after.as_ref(), call.most() + 1).await.map_err(refused)?;
            let last = found.len() <= call.most();
            for (person, held) in &found {
                if held.ended.is_some() {
                    continue;
                }
                if items.len() == call.most() {
                    let next = items.last().map(|one: &PersonView| one.id.clone());
                    return Ok(Reply::json(call.page_of(items, next)));
                }
                items.push(PersonView::of(person, held, call.now()));
            }
            after = found.last().map(|(person, _)| person.id.clone());
            if last {
                return Ok(Reply::json(call.page_of(items, None)));
            }
        }
    }
}
