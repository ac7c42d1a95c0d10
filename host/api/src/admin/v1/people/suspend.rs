//! `POST /people/{id}/suspend`: suspend a person.

use portcullis_model::people::{Resource, actions};

use super::{At, Changed, Ports, Which};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Suspend a person.
pub struct Suspend;

impl Operation for Suspend {
    type Ports = Ports;
    type Path = Which;
    type Query = At;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About = About::post(actions::PEOPLE_CHANGE, "/people/{id}/suspend", "Suspend a person")
        .id("people.suspend")
        .text("Nobody gets in by the account until it is resumed, and every session ends. An account that has a role elsewhere too is the operator's to suspend.")
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &At, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("person").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        ports.suspend(&call, &call.path.id, &call.query, true).await
    }
}
