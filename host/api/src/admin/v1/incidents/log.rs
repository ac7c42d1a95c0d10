//! `GET /incidents/{id}/log`: what the log has of an incident.

use portcullis_duties::incident::{After, is_key, since};
use portcullis_model::{
    audit::{Entry, reader::Shown},
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Ports, Which};
use crate::{
    admin::{
        About, Call, Nothing, On, Operation, Reply,
        given::wrong,
        unavailable,
        v1::audit::{InSight, Reading, Sight},
    },
    problem::Problem,
};

/// From how many hours before its opening, where nobody says.
const HOURS: u64 = 24;
/// How many entries, where nobody says.
const USUAL: usize = 200;
/// The most entries.
const MOST: usize = 10_000;

/// Shows what the log has of an incident.
pub struct Log;

/// How much of it.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// From so many hours before it was opened.
    #[param(default = 24)]
    hours: Option<u64>,
    /// At most so many entries, the newest; 0 for none.
    #[param(maximum = 10000, default = 200)]
    entries: Option<usize>,
    /// Also what it touched, and where that went.
    #[serde(default)]
    data: bool,
}

/// What the log has of an incident.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentLog)]
pub struct Told {
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// Once it was contained and nothing of it ran any more: what it did since by the log, and how far that was looked through. Else null.
    #[schema(value_type = Option<Object>)]
    after: Option<After>,
    /// The entries that are about it, the oldest first.
    timeline: Vec<Line>,
    /// Whether older ones were left out.
    more: bool,
    /// What it touched, what left for which host, and how many installations were not asked about; null where that was not asked for.
    #[schema(value_type = Option<Object>)]
    data: Value,
}

/// An entry that is about an incident.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentLine)]
pub struct Line {
    /// Its index in the log.
    index: u64,
    /// What can be read of it; null where that is nothing.
    #[schema(value_type = Option<Object>)]
    entry: Option<Entry>,
    /// Why it cannot be read, or not wholly trusted, where that is so.
    fault: Option<String>,
    /// Whether it says what happened to the incident, and is not just an act of what it is about.
    key: bool,
}

impl From<Shown> for Line {
    fn from(shown: Shown) -> Self {
        let key = is_key(&shown);
        Self { index: shown.index, entry: shown.entry, fault: shown.fault, key }
    }
}

impl Operation for Log {
    type Ports = Ports;
    type Path = Which;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Told;

    const ABOUT: About = About::get(actions::AUDIT_LIST, "/incidents/{id}/log", "See what the log has of an incident")
        .id("incidents.log")
        .text("Of the tenants whose log whoever asks may read. That it was read is recorded.")
        .on(On::Tenant);

    async fn resource(ports: &Ports, path: &Which, _: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Told>, Problem> {
        let (id, wanted) = (&call.path.id, &call.query);
        let most = wanted.entries.unwrap_or(USUAL);
        if most > MOST {
            return Err(wrong(format!("entries: expected at most {MOST}.")));
        }
        let found = ports.find(id).await?;
        let since = since(&found, wanted.hours.unwrap_or(HOURS));
        let sight = Sight::of(&call).await?;
        Reading::by("incident", id.as_str()).note(ports.recorder.as_ref(), &call, &sight).await?;
        let (trail, reader) = (ports.trail(), InSight { reader: ports.reader.clone(), sight });
        let after = trail.after(&reader, &found).await.map_err(|error| unavailable(&error))?;
        let (entries, more) = match most {
            0 => (Vec::new(), false),
            most => trail.timeline(&reader, &found, since, most).await.map_err(|error| unavailable(&error))?,
        };
        let data = match wanted.data {
            true => Some(trail.data(&reader, &found, since).await.map_err(|error| unavailable(&error))?),
            false => None,
        };
        let data = serde_json::to_value(data).map_err(|error| unavailable(&error))?;
        let timeline = entries.into_iter().map(Line::from).collect();
        Ok(Reply::json(Told { since: since.to_string(), after, timeline, more, data }))
    }
}
