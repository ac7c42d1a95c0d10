//! `POST /authorizations/{code}/deny`: refuses what a client asks for.

use portcullis_broker::authz::consent;
use portcullis_model::people::{Resource, actions};

use super::{Decided, Ports, Which, entry, refused};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Refuses.
pub struct Deny;

impl Operation for Deny {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Decided;

    const ABOUT: About = About::post(
        actions::AUTHORIZATIONS_DECIDE,
        "/authorizations/{code}/deny",
        "Refuse a request for authorization",
    )
    .id("authorizations.deny")
    .text("The page that shows the code goes back by itself, and the client learns that it was refused.")
    .on(On::Tenant)
    .dry_run()
    .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Decided>, Problem> {
        let pending = ports.find(&call.path).await?;
        let authorization = ports.shown(&pending, &ports.clients().await?);
        let decided = Decided { dry_run: call.dry_run, authorization, scopes: Vec::new() };
        if call.dry_run {
            return Ok(Reply::json(decided).tried());
        }
        let entry = entry(&call, ports.clock.now(), &pending);
        consent::deny(ports.store.as_ref(), pending, entry).await.map_err(refused)?;
        Ok(Reply::json(decided))
    }
}
