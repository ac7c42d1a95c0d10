//! `/console/installations/{id}/log`: what an installation wrote to its own log, the newest first; and its newest lines on the
//! installation's page.
//!
//! Invariant: what a plugin says is marked as its own words, and neither markup nor the direction of its letters reaches what is around it.

use axum::extract::{Path, Query};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    installation::{above, at},
    view::{Installation, Items, moment},
};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card_flush, empty, notice,
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped, with},
};

/// How many lines the installation's own page has.
const NEWEST: usize = 5;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    time: String,
    call: String,
    level: String,
    message: String,
}

/// Which page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    cursor: String,
}

/// Where it is shown.
pub(super) fn page(id: &str) -> String {
    format!("{}/log", at(id))
}

/// What an installation's page has of it; nothing where it wrote nothing, or its reader may not read it.
pub(super) async fn part(visit: &Visit, id: &str) -> Markup {
    let asked = format!("/installations/{}/log?limit={NEWEST}", escaped(id));
    let Ok(found) = visit.ask(Ask::get(asked)).await.read::<Items<Line>>() else { return html! {} };
    if found.items.is_empty() {
        return html! {};
    }
    card_flush("What it logged last", &html! { a href=(page(id)) { "Its whole log" } }, &rows(&found.items))
}

/// Shows it.
pub(crate) async fn show(visit: Visit, Path(id): Path<String>, Query(wanted): Query<Wanted>) -> Shown {
    let one: Installation = visit.get(&format!("/installations/{}", escaped(&id))).await?;
    let asked = format!("/installations/{}/log?limit=100{}", escaped(&id), with("cursor", &wanted.cursor));
    let found: Items<Line> = visit.get(&asked).await?;
    let next = found.cursor().map(|cursor| format!("{}?cursor={}", page(&id), escaped(&cursor)));
    let body = html! {
        (notice(Tone::Accent, "These are the plugin's own words", &html! {
            p { "The host shows them as they came, and vouches for none of them. They may hold whatever the plugin has read." }
        }))
        section class="card flush" {
            @if found.items.is_empty() {
                (empty("It has logged nothing", &html! { p {
                    "A plugin that was granted " code { "log:write" } " writes here what it does. What it wrote is erased with what it stored."
                } }))
            } @else { (rows(&found.items)) }
        }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Its log",
        lead: html! { "What " (one.plugin) " wrote in " strong { (one.tenant) } ", the newest first." },
        place: Place::Installations,
        above: above(&one),
        acts: html! {},
        body,
    })
}

fn level(name: &str) -> Markup {
    match name {
        "error" => badge(Tone::Bad, name),
        "warn" => badge(Tone::Warn, name),
        other => badge(Tone::Plain, other),
    }
}

fn rows(all: &[Line]) -> Markup {
    let rows = all.iter().map(|line| {
        let call = format!("/console/audit?q={}", escaped(&format!("call={}", line.call)));
        vec![
            moment(&line.time),
            level(&line.level),
            html! { code { bdi { (line.message) } } },
            html! { a href=(call) { code { (line.call) } } },
        ]
    });
    let columns = [text("When"), text("Level"), text("In the plugin's own words"), text("What it did in that call")];
    table("What the plugin logged, the newest first", &columns, rows.collect())
}
