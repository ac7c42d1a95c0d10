//! `DELETE /sources/{name}`: takes a source away, with its secrets.

use portcullis_model::people::{Resource, actions};

use super::{Ports, Removed, Which, failed};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Takes one away.
pub struct Remove;

impl Operation for Remove {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Removed;

    const ABOUT: About = About::delete(actions::SOURCES_CHANGE, "/sources/{name}", "Take a source of events away")
        .id("sources.remove")
        .text("What it sends is refused within a second. Events that were taken already are delivered.")
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Removed>, Problem> {
        let source = ports.asked(&call).await?;
        let reply = Reply::json(Removed { dry_run: call.dry_run, source: ports.view(&source).await? });
        if call.dry_run {
            return Ok(reply.tried());
        }
        (ports.kept_by)(call.actor()).remove(&source).await.map_err(|error| failed(&error))?;
        Ok(reply)
    }
}
