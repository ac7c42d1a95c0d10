//! `POST /people/{id}/recover`: a link by which somebody who lost every passkey registers a new one.

use axum::http::StatusCode;
use portcullis_model::people::{Resource, actions};

use super::{At, Linked, Ports, Which, refused};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Makes a way back in.
pub struct Recover;

impl Operation for Recover {
    type Ports = Ports;
    type Path = Which;
    type Query = At;
    type Body = Nothing;
    type Answer = Linked;

    const ABOUT: About = About::post(actions::PEOPLE_CHANGE, "/people/{id}/recover", "Make a way back in for a person")
        .id("people.recover")
        .text(
            "The link is answered once and good once, for an hour. When it is used every session of theirs ends, and every passkey and \
             code that they had until then.",
        )
        .on(On::Tenant)
        .dry_run()
        .once()
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &At, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("person").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Linked>, Problem> {
        let (base, access) = (ports.base()?, ports.acting(call.dry_run)?);
        let made = access.recover(&call.caller, call.query.tenant.as_ref(), &call.path.id).await.map_err(refused)?;
        let linked = Reply::json(Linked::of(&made, base, call.dry_run));
        Ok(if call.dry_run { linked.tried() } else { linked.found_at("/people/invitations".to_owned()) })
    }
}
