//! `GET /people/{id}`: one person, with how they sign in.

use portcullis_model::people::{Resource, actions};

use super::{At, PersonView, Ports, Which};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply, Version},
    problem::Problem,
};

/// Shows a person.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = At;
    type Body = Nothing;
    type Answer = PersonView;

    const ABOUT: About = About::get(actions::PEOPLE_LIST, "/people/{id}", "See a person")
        .id("people.get")
        .on(On::Tenant)
        .version(Version::Shown)
        .refuses(&[crate::problem::Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &At, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("person").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<PersonView>, Problem> {
        let view = ports.seen(ports.access()?, &call.query, &call.caller, &call.path.id).await?;
        let version = view.version;
        Ok(Reply::json(view).at(version))
    }
}
