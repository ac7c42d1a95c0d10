//! `/console/installations/{id}/backend`: the part of a plugin outside of the sandbox: where an installation's signed messages go, how its
//! keys stand, and what became of the messages (INT-8, DAT-13).
//!
//! Invariant: a key that can be kept secret is on one page, once: the one that answers the act that made it.

mod keys;
mod messages;
mod setting;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query},
    routing::{get, post},
};
use maud::{Markup, html};
use portcullis_model::people::actions::{BACKENDS_CHANGE, BACKENDS_REPLAY};
use serde::Deserialize;

use super::{
    change::Lies,
    deliveries, installation,
    view::{Installation, Items, moment},
};
use crate::{
    host::{Ask, Host},
    kit::{
        Tone, badge, card, card_flush, empty, facts,
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped, with},
};
use messages::Message;

/// The routes of all of this.
pub(crate) fn routes() -> Router<Arc<dyn Host>> {
    let own = "/console/installations/{id}/backend";
    let under = |rest: &str| format!("{own}/{rest}");
    Router::new()
        .route(own, get(show))
        .route(&under("set"), post(setting::sets))
        .route(&under("remove"), post(setting::removes))
        .route(&under("key"), post(keys::replaces))
        .route(&under("test"), post(messages::tries))
        .route(&under("replay"), post(messages::replays))
}

/// Where it is shown.
pub(crate) fn at(id: &str) -> String {
    format!("{}/backend", installation::at(id))
}

fn path(id: &str, rest: &str) -> String {
    format!("/installations/{}/backend{rest}", escaped(id))
}

/// Where pages below it lie.
fn lies(id: &str) -> Lies {
    let above = [
        ("/console/installations".to_owned(), "Installations".to_owned()),
        (installation::at(id), id.to_owned()),
        (at(id), "Back end".to_owned()),
    ];
    (Place::Installations, above.into())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Detail {
    back_end: Option<BackEnd>,
    keys: Vec<Key>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BackEnd {
    tenant: String,
    url: String,
    events: Vec<String>,
    state: String,
    since: Option<String>,
    why: Option<String>,
    health: Health,
}

impl BackEnd {
    /// Whether it gets messages: what is sent to one that is disabled is refused.
    fn is_active(&self) -> bool {
        self.state == "active"
    }
}

/// How the last attempts went.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Health {
    pub failures: u64,
    pub failing_since: Option<String>,
    pub last_error: Option<String>,
    pub not_before: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Key {
    slot: String,
    scheme: String,
    since: String,
    until: Option<String>,
    public: Option<String>,
}

/// How it stands, in a word.
fn standing(one: &BackEnd) -> Markup {
    match one.state.as_str() {
        "active" if one.health.failures > 0 => badge(Tone::Warn, "fails"),
        "active" => badge(Tone::Good, "active"),
        "disabled" => badge(Tone::Bad, "disabled"),
        other => badge(Tone::Plain, other),
    }
}

fn scheme(name: &str) -> &str {
    match name {
        "hmac" => "HMAC-SHA256, a shared secret",
        "ed25519" => "Ed25519, a public key",
        other => other,
    }
}

/// Which page of its messages.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    cursor: String,
}

/// Shows it.
async fn show(visit: Visit, Path(id): Path<String>, Query(wanted): Query<Wanted>) -> Shown {
    shown(&visit, &id, &wanted, None, &html! {}).await
}

/// The page; with a form as it was filled in, over what is set now.
async fn shown(visit: &Visit, id: &str, wanted: &Wanted, filled: Option<setting::Setting>, said: &Markup) -> Shown {
    let of: Installation = visit.get(&format!("/installations/{}", escaped(id))).await?;
    let (found, version): (Detail, String) = visit.seen(&path(id, "")).await?;
    let may_change = visit.may_to(&BACKENDS_CHANGE, &of.tenant, "installation", id).await;
    let may_send = visit.may_to(&BACKENDS_REPLAY, &of.tenant, "installation", id).await;
    let may_send = may_send && found.back_end.as_ref().is_some_and(BackEnd::is_active);
    let sent = sent(visit, id, wanted, may_send).await;
    let filled = filled.unwrap_or_else(|| setting::Setting::of(found.back_end.as_ref())).over(version.clone());
    let body = html! {
        (said)
        @match &found.back_end {
            Some(one) => {
                (card("How it stands", &standing(one), &about(one)))
                (card_flush("Keys", &html! {}, &keys_table(&found.keys)))
            }
            None => { section class="card flush" { (empty("It has no back end", &html! { p { "Events go to the plugin alone. A back end gets them, too, signed, over https." } })) } }
        }
        (sent)
        div class="grid" {
            @if may_change { (setting::card_of(id, &filled, found.back_end.is_some(), visit.token())) }
            @if found.back_end.is_some() {
                @if may_change { (keys::card_of(id, &found.keys, visit.token())) }
                @if may_send { (messages::cards(id, visit.token())) }
                @if may_change { (setting::removal(id, &version, visit.token())) }
            }
        }
    };
    let (place, mut above) = lies(id);
    above.pop();
    visit.show(Page {
        title: "Back end",
        lead: html! { "Of " (of.plugin) " in " strong { (of.tenant) } ": where its signed messages go, and what became of them." },
        place,
        above,
        acts: html! { a class="button" href=(deliveries::of_installation(id)) { "Deliveries" } },
        body,
    })
}

/// What was sent, where that can be read.
async fn sent(visit: &Visit, id: &str, wanted: &Wanted, may_send: bool) -> Markup {
    let asked = path(id, &format!("/messages?limit=20{}", with("cursor", &wanted.cursor)));
    let Ok(found) = visit.ask(Ask::get(asked)).await.read::<Items<Message>>() else { return html! {} };
    if found.items.is_empty() {
        return html! {};
    }
    let next = found.cursor().map(|cursor| format!("{}?cursor={}", at(id), escaped(&cursor)));
    html! {
        (card_flush("Messages", &html! {}, &messages::table_of(id, &found.items, may_send.then_some(visit.token()))))
        (more(MORE, next.as_deref()))
    }
}

fn about(one: &BackEnd) -> Markup {
    let mut all = vec![
        ("Messages go to", html! { code { (one.url) } }),
        ("Which", events(&one.events)),
        ("Failures since the last success", html! { (one.health.failures) }),
    ];
    let when = [
        ("Disabled since", &one.since),
        ("Failing since", &one.health.failing_since),
        ("Nothing is sent before", &one.health.not_before),
    ];
    all.extend(when.into_iter().filter_map(|(name, at)| at.as_deref().map(|at| (name, moment(at)))));
    let why = [("Why it is disabled", &one.why), ("What went wrong last", &one.health.last_error)];
    all.extend(why.into_iter().filter_map(|(name, why)| why.as_ref().map(|why| (name, html! { (why) }))));
    facts(&all)
}

fn events(all: &[String]) -> Markup {
    html! { @if all.is_empty() { "all that the installation is granted" } @else { code { (all.join(" ")) } } }
}

fn keys_table(all: &[Key]) -> Markup {
    if all.is_empty() {
        return empty("No key signs", &html! { p { "Messages wait until another key is made." } });
    }
    let rows = all.iter().map(|one| {
        let (tone, words) = match one.slot.as_str() {
            "current" => (Tone::Good, "signs"),
            "previous" => (Tone::Plain, "signs as well"),
            "pending" => (Tone::Accent, "ready"),
            other => (Tone::Plain, other),
        };
        vec![
            badge(tone, words),
            html! { (scheme(&one.scheme)) },
            moment(&one.since),
            html! { @if let Some(until) = &one.until { (moment(until)) } @else { "–" } },
            html! { @if let Some(public) = &one.public { code { (public) } } @else { "shown once, when it was made" } },
        ]
    });
    let columns = [text("Key"), text("How"), text("Since"), text("Until"), text("What the back end checks with")];
    table("Keys that sign messages", &columns, rows.collect())
}
