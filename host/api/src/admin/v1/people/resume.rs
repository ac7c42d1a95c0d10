//! `POST /people/{id}/resume`: let a suspended person in again.

use portcullis_model::people::{Resource, actions};

use super::{At, Changed, Ports, Which};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Let a suspended person in again.
pub struct Resume;

impl Operation for Resume {
    type Ports = Ports;
    type Path = Which;
    type Query = At;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About = About::post(actions::PEOPLE_CHANGE, "/people/{id}/resume", "Let a suspended person in again")
        .id("people.resume")
        .text("What they may do is what they might before.")
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &At, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("person").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        ports.suspend(&call, &call.path.id, &call.query, false).await
    }
}
