//! `/console/connections`: the credentials that the host adds to plugins' requests: how each stands, how old it is, and what can be done
//! about it; `/console/rotations`: what became of rotations (INT-3 to INT-6).
//!
//! Invariant: a rotation is shown as it would go before it is ordered.

mod one;
mod rotation;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::Query,
    routing::{get, post},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::view::{Items, moment};
use crate::{
    host::{Ask, Host},
    kit::{
        Tone, badge, empty,
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped},
};

const HOME: &str = "/console/connections";
const ROTATIONS: &str = "/console/rotations";

/// The routes of all of this.
pub(crate) fn routes() -> Router<Arc<dyn Host>> {
    let one = "/console/connections/{installation}/{name}";
    Router::new()
        .route(HOME, get(list))
        .route(one, get(one::show))
        .route(&format!("{one}/rotate"), post(one::rotates))
        .route(&format!("{one}/revoke"), post(one::revokes))
        .route(&format!("{one}/authorize"), post(one::reconnects))
        .route(ROTATIONS, get(rotation::list))
        .route("/console/rotations/order", post(rotation::orders))
        .route("/console/rotations/{id}", get(rotation::show))
        .route("/console/rotations/{id}/resume", post(rotation::resumes))
        .route("/console/rotations/{id}/report", post(rotation::reports))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Connection {
    tenant: String,
    installation: String,
    name: String,
    origin: Origin,
    place: Destination,
    generation: u64,
    issued: String,
    expires: Option<String>,
    state: String,
    why: Option<String>,
    since: Option<String>,
    until: Option<String>,
    unreadable: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Origin {
    provider: String,
    scopes: Vec<String>,
    risk: Option<Risk>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Risk {
    reason: String,
    accepted_by: String,
    until: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Destination {
    hosts: Vec<String>,
    header: String,
}

/// How old something is, and when it is due.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Age {
    family: String,
    installation: Option<String>,
    name: String,
    age_seconds: Option<u64>,
    due: Option<Due>,
    overdue: bool,
    needs_person: bool,
    revocable: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Due {
    at: String,
    limit: String,
}

/// The page of one of an installation's.
pub(crate) fn page(installation: &str, name: &str) -> String {
    format!("{HOME}/{}/{}", escaped(installation), escaped(name))
}

fn at(one: &Connection) -> String {
    page(&one.installation, &one.name)
}

/// How it stands, in a word.
fn standing(one: &Connection) -> Markup {
    let (tone, words) = match (one.unreadable.as_deref(), one.state.as_str()) {
        (Some("lost"), _) => (Tone::Bad, "cannot be read"),
        (Some(_), _) => (Tone::Warn, "cannot be read now"),
        (None, "ready") => (Tone::Good, "ready"),
        (None, "renewing") => (Tone::Accent, "being renewed"),
        (None, "cooling") => (Tone::Warn, "renewal failed"),
        (None, "consent-needed") => (Tone::Bad, "consent needed"),
        (None, "revoked") => (Tone::Plain, "ended"),
        (None, other) => (Tone::Plain, other),
    };
    badge(tone, words)
}

/// A time span in its largest unit.
fn span(seconds: u64) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (unit, name) = units.into_iter().find(|(unit, _)| seconds >= *unit).unwrap_or((1, "second"));
    let count = seconds / unit;
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

fn age(age: Option<&Age>) -> Markup {
    let Some(age) = age else { return html! { "–" } };
    let due = match (age.overdue, &age.due) {
        (true, _) => html! { (badge(Tone::Bad, "older than it may be")) },
        (false, Some(due)) => {
            html! { span class="small quiet" { "rotated " (moment(&due.at)) ", at the latest " (moment(&due.limit)) } }
        }
        (false, None) => html! { span class="small quiet" { "nothing limits its age" } },
    };
    html! { (age.age_seconds.map_or_else(|| "unknown".to_owned(), span)) " " (due) }
}

/// Ages of connections, by installation and name.
async fn ages(visit: &Visit, installation: &str) -> BTreeMap<(String, String), Age> {
    let of = if installation.is_empty() { String::new() } else { format!("&installation={}", escaped(installation)) };
    let asked = visit.ask(Ask::get(format!("/rotation/status?limit=200{of}"))).await;
    let all: Vec<Age> = asked.read::<Items<Age>>().map(|found| found.items).unwrap_or_default();
    let connections = all.into_iter().filter(|age| age.family == "connection");
    connections.map(|age| ((age.installation.clone().unwrap_or_default(), age.name.clone()), age)).collect()
}

/// Which page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    cursor: Option<String>,
}

/// Lists them.
async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let cursor = wanted.cursor.as_deref().map(|text| format!("&cursor={}", escaped(text))).unwrap_or_default();
    let found: Items<Connection> = visit.get(&format!("/connections?limit=50{cursor}")).await?;
    let next = found.cursor().map(|cursor| format!("{HOME}?cursor={}", escaped(&cursor)));
    let ages = ages(&visit, "").await;
    let rows = found.items.iter().map(|one| {
        vec![
            html! { a href=(at(one)) { (one.name) } span class="small quiet" { (one.installation) " · " (one.tenant) } },
            html! { (one.origin.provider) @if one.origin.risk.is_some() { " " (badge(Tone::Warn, "at a risk")) } },
            standing(one),
            age(ages.get(&(one.installation.clone(), one.name.clone()))),
            html! { (one.place.hosts.join(", ")) },
        ]
    });
    let columns = [text("Connection"), text("Provider"), text("State"), text("Age"), text("Goes to")];
    let body = html! {
        section class="card flush" {
            @if found.items.is_empty() {
                (empty("No plugin has a credential", &html! { p { "Connections are made with " code { "portcullis connection" } ". No plugin ever sees one." } }))
            } @else { (table("Connections", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Connections",
        lead: html! { "Credentials that the host adds to plugins' requests, by destination. No plugin and no page ever sees one." },
        place: Place::Connections,
        above: Vec::new(),
        acts: html! { a class="button" href=(ROTATIONS) { "Rotations" } },
        body,
    })
}
