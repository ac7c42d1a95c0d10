//! `/console/alerts/endpoints`: where alerts are posted to: the platform's endpoint, which is told of all of them, and each tenant's, which is
//! told of its own (MON-4, DAT-13).
//!
//! Invariants: a key is on one page, once: the one that answers the act that made it; an address is shown without what follows its '?'.

mod key;
mod one;

use std::sync::Arc;

use axum::{
    Router,
    extract::Query,
    routing::{get, post},
};
use maud::{Markup, html};
use portcullis_model::people::{Resource, actions::ENDPOINTS_CHANGE};
use serde::Deserialize;

use super::{
    backend::Health,
    change::Lies,
    people::{PLATFORM, api},
    view::Items,
};
use crate::{
    host::Host,
    kit::{
        Tone, badge, card, empty,
        form::Text,
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped, to, with},
};

pub(crate) const HOME: &str = "/console/alerts/endpoints";
/// What endpoints are called where rights are asked about.
const KIND: &str = "alert-endpoint";
/// How many tenants without one are named.
const MOST: usize = 50;
/// How severe an alert is at least.
const LEASTS: [(&str, &str); 4] = [
    ("low", "All alerts"),
    ("medium", "Medium and more severe: for this week"),
    ("high", "High and critical: for today"),
    ("critical", "Critical alone: what cannot wait"),
];

/// The routes of all of this.
pub(crate) fn routes() -> Router<Arc<dyn Host>> {
    let one = format!("{HOME}/{{place}}");
    Router::new()
        .route(HOME, get(list))
        .route(&one, get(one::show))
        .route(&format!("{one}/set"), post(one::sets))
        .route(&format!("{one}/remove"), post(one::removes))
        .route(&format!("{one}/key"), post(key::replaces))
        .route(&format!("{one}/test"), post(key::tries))
}

/// The page of a place's: of a tenant's, or of the platform's.
pub(crate) fn at(place: &str) -> String {
    format!("{HOME}/{}", escaped(place))
}

/// A path of the API, at a place.
fn path(rest: &str, place: &str, more: &str) -> String {
    api(&format!("/alerts/endpoints{rest}"), place, more).trim_end_matches('?').to_owned()
}

/// What it is told of.
fn told(place: &str) -> String {
    match place {
        PLATFORM => "All alerts, of the host and of every tenant".to_owned(),
        tenant => format!("Alerts of {tenant}"),
    }
}

/// Where pages below it lie.
fn lies(place: Option<&str>) -> Lies {
    let above = [("/console/alerts".to_owned(), "Alerts".to_owned()), (HOME.to_owned(), "Where they go".to_owned())];
    (Place::Alerts, above.into_iter().chain(place.map(|place| (at(place), told(place)))).collect())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Endpoint {
    tenant: Option<String>,
    url: String,
    least: String,
    state: String,
    since: Option<String>,
    why: Option<String>,
    health: Health,
    generation: u64,
}

impl Endpoint {
    fn place(&self) -> &str {
        self.tenant.as_deref().unwrap_or(PLATFORM)
    }

    /// Whether it is posted to: what would try out one that is disabled is refused.
    fn is_active(&self) -> bool {
        self.state == "active"
    }
}

/// How it stands, in a word.
fn standing(one: &Endpoint) -> Markup {
    match one.state.as_str() {
        "active" if one.health.failures > 0 => badge(Tone::Warn, "fails"),
        "active" => badge(Tone::Good, "active"),
        "disabled" => badge(Tone::Bad, "disabled"),
        other => badge(Tone::Plain, other),
    }
}

/// Which alerts, in words.
fn least(name: &str) -> &str {
    LEASTS.iter().find(|(one, _)| *one == name).map_or(name, |(_, words)| words)
}

/// Which page, or whose endpoint somebody looks for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    tenant: String,
    cursor: String,
}

/// Lists them.
async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    if !wanted.tenant.trim().is_empty() {
        return Ok(to(&at(wanted.tenant.trim())));
    }
    let found: Items<Endpoint> =
        visit.get(&format!("/alerts/endpoints?limit=100{}", with("cursor", &wanted.cursor))).await?;
    let next = found.cursor().map(|cursor| format!("{HOME}?cursor={}", escaped(&cursor)));
    let is_whole = next.is_none() && wanted.cursor.is_empty();
    let without = if is_whole { without(&visit, &found.items).await } else { Vec::new() };
    let body = html! {
        section class="card flush" {
            @if found.items.is_empty() && without.is_empty() { (nowhere()) }
            @else { (rows(&found.items, &without)) }
        }
        (more(MORE, next.as_deref()))
        @if visit.tenants().is_empty() { (card("Of a tenant", &html! {}, &of_tenant())) }
    };
    let (place, mut above) = lies(None);
    above.pop();
    visit.show(Page {
        title: "Where alerts go",
        lead: html! { "Whom the host tells of an alert: by a signed message with its rule, how severe it is, its tenant and installation, and a link." },
        place,
        above,
        acts: html! {},
        body,
    })
}

/// What stands where there is none.
fn nowhere() -> Markup {
    empty(
        "Alerts are posted nowhere",
        &html! { p { "They stand on the page of alerts alone. Set an address, and each is posted there as it is raised: to a pager, a chat or a SIEM that takes signed webhooks." } },
    )
}

/// Whose endpoints this person looks after that are not set.
async fn without(visit: &Visit, all: &[Endpoint]) -> Vec<String> {
    let of_platform = Resource::of_platform(KIND);
    let platform = visit.is_of_platform() && visit.may(&ENDPOINTS_CHANGE, &of_platform).await;
    let places = platform.then(|| PLATFORM.to_owned()).into_iter().chain(visit.tenants().into_iter().take(MOST));
    places.filter(|place| !all.iter().any(|one| one.place() == place.as_str())).collect()
}

fn rows(all: &[Endpoint], without: &[String]) -> Markup {
    let set = all.iter().map(|one| {
        vec![
            html! { a href=(at(one.place())) { (told(one.place())) } },
            html! { code { (one.url) } },
            html! { (least(&one.least)) },
            standing(one),
            html! { (one.health.last_error.as_deref().unwrap_or("–")) },
        ]
    });
    let none = without.iter().map(|place| {
        let dash = || html! { "–" };
        vec![
            html! { a href=(at(place)) { (told(place)) } },
            html! { "Nowhere" },
            dash(),
            badge(Tone::Plain, "not set"),
            dash(),
        ]
    });
    let columns =
        [text("What"), text("Posted to"), text("How severe at least"), text("State"), text("What went wrong last")];
    table("Where alerts are posted to", &columns, set.chain(none).collect())
}

/// Where somebody who reaches all tenants names one.
fn of_tenant() -> Markup {
    html! {
        form class="filters" method="get" action=(HOME) {
            (Text { name: "tenant", label: "Tenant", ..Text::default() }.show())
            button type="submit" { "Look at it" }
        }
    }
}
