//! `POST /status/announcements`: tells everybody who reads the status page of an incident or of maintenance.

use axum::http::StatusCode;
use portcullis_model::{
    audit::query::moment,
    people::{Resource, actions},
    time::Timestamp,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Ports, TEXT, TITLE, Told, View, new_id, resource, told_already, words};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable},
    ops::Announced,
    problem::{Problem, Reason},
};

/// Tells of something.
pub struct Announce;

/// Of what.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAnnouncement)]
pub struct Announcing {
    // A sentence here would make the document ask for an object as well: the type has its own.
    #[schema(inline)]
    kind: super::What,
    /// In a few words.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// In more.
    #[serde(default)]
    #[schema(max_length = 4000)]
    text: String,
    /// Since when, or from when on. Absent: now.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// Until when it will last.
    #[schema(format = DateTime)]
    until: Option<String>,
}

impl Operation for Announce {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Announcing>;
    type Answer = Told;

    const ABOUT: About =
        About::post(actions::STATUS_ANNOUNCE, "/status/announcements", "Tell of an incident or of maintenance")
            .text("Everybody can read it: name no subscriber and no person.")
            .on(On::Host)
            .dry_run()
            .answers(StatusCode::CREATED, "application/json")
            .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Sent<Announcing>) -> Result<Resource, Problem> {
        Ok(resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Told>, Problem> {
        let body = &call.body.0;
        let (since, until) = (time("since", body.since.as_deref())?, time("until", body.until.as_deref())?);
        let since = since.unwrap_or(call.now());
        if until.is_some_and(|until| until <= since) {
            return Err(Problem::new(Reason::WrongBody, "until: it is not after its beginning."));
        }
        let one = Announced {
            id: new_id(ports.rng.as_ref()),
            kind: body.kind.name().to_owned(),
            title: words("title", &body.title, 1, TITLE)?,
            text: words("text", &body.text, 0, TEXT)?,
            since,
            until,
            resolved: None,
        };
        let told = Told { dry_run: call.dry_run, announcement: View::from(&one) };
        if call.dry_run {
            return Ok(Reply::json(told).tried());
        }
        if !ports.board.tell(&one, call.actor()).await.map_err(|error| unavailable(&error))? {
            return Err(told_already());
        }
        Ok(Reply::json(told).found_at("/status/announcements".to_owned()))
    }
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let advice = || Problem::new(Reason::WrongBody, format!("{name}: expected a time such as 2026-12-01T20:00:00Z."));
    text.map(|text| moment(text).ok_or_else(advice)).transpose()
}
