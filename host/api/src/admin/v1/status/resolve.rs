//! `POST /status/announcements/{id}/resolve`: says that something is over.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Ports, TEXT, Told, View, Which, resource, words};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable},
    ops::Announced,
    problem::{Problem, Reason},
};

/// Says that something is over.
pub struct Resolve;

/// What is said of it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ResolvingAnnouncement)]
pub struct Resolving {
    /// What stands on the page from now on. Absent: what stands there.
    #[schema(max_length = 4000)]
    text: Option<String>,
}

impl Operation for Resolve {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Resolving>;
    type Answer = Told;

    const ABOUT: About =
        About::post(actions::STATUS_ANNOUNCE, "/status/announcements/{id}/resolve", "Say that it is over")
            .id("status.resolve")
            .on(On::Host)
            .dry_run()
            .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Resolving>) -> Result<Resource, Problem> {
        ports.find(path).await?;
        Ok(resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Told>, Problem> {
        let before = ports.find(&call.path).await?;
        if before.resolved.is_some() {
            return Err(Problem::new(Reason::Conflict, "It was said before that this is over."));
        }
        let text = call.body.0.text.as_deref().map(|text| words("text", text, 0, TEXT)).transpose()?;
        let text = text.unwrap_or_else(|| before.text.clone());
        let one = Announced { text, resolved: Some(call.now()), ..before };
        let reply = Reply::json(Told { dry_run: call.dry_run, announcement: View::from(&one) });
        if call.dry_run {
            return Ok(reply.tried());
        }
        ports.board.tell(&one, None, call.actor()).await.map_err(|error| unavailable(&error))?;
        Ok(reply)
    }
}
