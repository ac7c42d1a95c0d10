//! `GET /audit/entries/{index}`: one entry, with its leaf.

use portcullis_model::{
    audit::reader::{AuditReader as _, Shown},
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Ports, Reading, Sight, log};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable, unknown},
    problem::Problem,
};

/// Shows one entry.
pub struct Get;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// Its number in the log, from 0.
    index: u64,
}

/// An entry of the log, with the bytes that are hashed and its leaf.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = AuditEntry, value_type = Object)]
pub struct One(Shown);

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = One;

    const ABOUT: About = About::get(actions::AUDIT_GET, "/audit/entries/{index}", "See an entry of the audit log")
        .text("With its leaf, once it is published. That it was read is recorded.")
        .on(On::Tenants);

    async fn resource(_: &Ports, _: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<One>, Problem> {
        // Whether it is not there or is another's does not show.
        let unknown = || unknown("Expected the index of an entry: a number below 'written'.");
        let sight = Sight::of(&call).await?;
        let (index, reader) = (call.path.index, ports.seen(sight.clone()));
        if index >= reader.written().await.map_err(|error| unavailable(&error))? {
            return Err(unknown());
        }
        let more = [("entry", index)];
        ports.note(&call, &sight, Reading { more: &more, ..Reading::by("entry", "") }).await?;
        let mut found = reader.follow(index, 1).await.map_err(|error| unavailable(&error))?;
        reader.add_leaves(&mut found).await.map_err(|error| unavailable(&error))?;
        found.pop().map(|shown| Reply::json(One(shown))).ok_or_else(unknown)
    }
}
