//! `GET /audit/live`: entries as they are written, as server-sent events.

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::IntoResponse as _,
};
use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ports, Reading, Sight, filter, log};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Streamed, given::wrong},
    problem::{Problem, Reason},
};

/// Follows the log.
pub struct Follow;

/// What of it.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// What is looked for; everything, where it is not there.
    filter: Option<String>,
}

impl Operation for Follow {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Streamed;

    const ABOUT: About = About::get(actions::AUDIT_LIST, "/audit/live", "Follow the audit log")
        .id("audit.follow")
        .text(
            "Events named `entry`, each with its index as id. With `Last-Event-ID` it goes on after that entry, without a \
             gap. It ends with an event `ending` or `cut-off` that says why; for everybody but the operator after five \
             minutes at most, so that it is looked at anew whether they may.",
        )
        .answers(StatusCode::OK, "text/event-stream")
        .refuses(&[Reason::Full])
        .on(On::Tenants);

    async fn resource(_: &Ports, _: &Bare, _: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Streamed>, Problem> {
        let sight = Sight::of(&call).await?;
        let filter = sight.met(&filter(call.query.filter.as_deref())?)?;
        let after = call.last_event.as_ref().map(|value| {
            let text = value.to_str().ok().and_then(|text| text.parse().ok());
            text.ok_or_else(|| wrong("Last-Event-ID: expected the index of an entry."))
        });
        let after = after.transpose()?;
        ports.note(&call, &sight, Reading::by("live", &filter.to_string())).await?;
        let events = ports.live.join(filter, sight, after).await?;
        let head = [
            (header::CONTENT_TYPE, "text/event-stream"),
            // A proxy that gathers answers would hold the events back.
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        Ok(Reply::raw((head, Body::new(events)).into_response()))
    }
}
