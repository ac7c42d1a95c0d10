//! `/console/audit`: the log, with filters, and followed live; `/console/audit/{index}`: one entry.

use axum::extract::{Path, Query};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::{
    proof::{self, of_entry},
    view::moment,
};
use crate::{
    kit::{Tone, badge, card, empty, facts, form::Text, notice, table::more},
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped},
};

/// What is looked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    q: String,
    cursor: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    entries: Vec<Row>,
    cursor: Option<String>,
    more: bool,
    written: u64,
    published: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    index: u64,
    entry: Option<Entry>,
    fault: Option<String>,
    body: Option<String>,
    /// Where it lies in the published log; absent where it is not published yet.
    leaf: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    time: Value,
    kind: String,
    actor: Value,
    tenant: Option<String>,
    resource: Option<String>,
    trace: Option<String>,
    detail: Value,
}

/// Lists it.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let mut query = format!("limit=100&filter={}", escaped(&wanted.q));
    if let Some(cursor) = &wanted.cursor {
        query.push_str(&format!("&cursor={}", escaped(cursor)));
    }
    let answer = visit.ask(crate::host::Ask::get(format!("/audit/entries?{query}"))).await;
    let (found, said): (Found, Markup) = match answer.read() {
        Ok(found) => (found, html! {}),
        Err(refused) => (Found::default(), visit.said(&refused)?),
    };
    let next = found.cursor.as_deref().filter(|_| found.more);
    let next = next.map(|cursor| format!("/console/audit?q={}&cursor={}", escaped(&wanted.q), escaped(cursor)));
    // The first page goes on by itself; older ones stand still.
    let live = format!("/admin/v1/audit/live?filter={}", escaped(&wanted.q));
    let live = wanted.cursor.is_none().then_some(live);
    let body = html! {
        form class="filters" method="get" action="/console/audit" role="search" {
            (Text { name: "q", label: "Filter", kind: "search", value: &wanted.q, optional: true,
                hint: "Such as: kind=act.denied plugin=com.example.triage", ..Text::default() }.show())
            button type="submit" { "Search" }
        }
        (said)
        section class="card flush" {
            header {
                h2 { "Entries" }
                span class="quiet small" { (found.written) " written" @if let Some(published) = found.published { ", " (published) " published" } }
                @if live.is_some() { span class="badge" data-live-state { "Not followed" } }
            }
            @if found.entries.is_empty() && said.0.is_empty() { (empty("No entry fits", &html! { p { "Take a word out of the filter." } })) }
            div class="scroll" tabindex="0" role="region" aria-label="Entries of the log" { table class="folds" {
                caption class="hidden-visually" { "Entries of the log, the newest first" }
                thead { tr { @for name in ["When", "What", "Who", "About", "Tenant"] { th scope="col" { (name) } } } }
                tbody data-live=[live] data-most="200" { @for row in &found.entries { (shown(row)) } }
            } }
        }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Audit log",
        lead: html! { "Every act of a person, a plugin and the host. Nobody can change it unseen; to read it is an entry of its own." },
        place: Place::Audit,
        above: Vec::new(),
        acts: html! { a class="button" href=(proof::HOME) { "Proof of the log" } },
        body,
    })
}

fn shown(row: &Row) -> Markup {
    let Some(entry) = &row.entry else {
        let fault = row.fault.as_deref().unwrap_or("It was disposed of.");
        return html! { tr { th scope="row" { a href={ "/console/audit/" (row.index) } { (row.index) } } td colspan="4" class="quiet" { (fault) } } };
    };
    html! { tr {
        th scope="row" { a href={ "/console/audit/" (row.index) } { (moment(&text(&entry.time))) } }
        td data-name="What" { (kind(&entry.kind)) }
        td data-name="Who" { (who(&entry.actor)) }
        td data-name="About" { (entry.resource.as_deref().unwrap_or_default()) }
        td data-name="Tenant" { (entry.tenant.as_deref().unwrap_or_default()) }
    } }
}

/// A kind of entry, in the tone of what it says.
pub(crate) fn kind(kind: &str) -> Markup {
    let bad = ["denied", "refused", "reused", "dead", "failed", "suspended", "withdrawn", "quarantined"];
    let tone = if bad.iter().any(|word| kind.ends_with(word)) { Tone::Warn } else { Tone::Plain };
    badge(tone, kind)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Who did something, in a word.
pub(crate) fn who(actor: &Value) -> String {
    let part = |name: &str| actor.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match part("type").as_str() {
        "host" => "the host".to_owned(),
        "plugin" => part("plugin"),
        "client" => format!("client {}", part("client")),
        "automation" => format!("automation {}", part("client")),
        _ => part("name"),
    }
}

/// Shows one.
pub(crate) async fn one(visit: Visit, Path(index): Path<u64>) -> Shown {
    let row: Row = visit.get(&format!("/audit/entries/{index}")).await?;
    let title = format!("Entry {index}");
    let entry = row.entry.unwrap_or_default();
    let detail = entry.detail.as_object().cloned().unwrap_or_default();
    let detail: Vec<(&str, Markup)> =
        detail.iter().map(|(name, value)| (name.as_str(), html! { (text(value)) })).collect();
    let body = html! {
        @if let Some(fault) = &row.fault { (notice(Tone::Warn, "Not all of it can be read", &html! { p { (fault) } })) }
        (card("What happened", &kind(&entry.kind), &facts(&[
            ("When", moment(&text(&entry.time))),
            ("Who", html! { (who(&entry.actor)) }),
            ("About", html! { (entry.resource.as_deref().unwrap_or("–")) }),
            ("Tenant", html! { (entry.tenant.as_deref().unwrap_or("The host itself")) }),
            ("Trace", html! { code { (entry.trace.as_deref().unwrap_or("–")) } }),
        ])))
        @if !detail.is_empty() { (card("Details", &html! {}, &facts(&detail))) }
        @if let Some(bytes) = &row.body {
            (card("The bytes that are hashed", &html! {}, &html! {
                p class="quiet" { "SHA-256 over a byte of zero and these bytes. Of a personal value the log holds a commitment alone." }
                pre tabindex="0" { (bytes) }
                @if row.leaf.is_some() {
                    p { a href=(of_entry(index)) { "Download the proof" } " that it is in the published log. Anybody can check it without this host, by "
                        code { "portcullis audit check-proof" } " and the log's public key." }
                } @else { p class="quiet" { "It is not published yet. The host does so by itself, and then there is a proof of it." } }
            }))
        }
    };
    visit.show(Page {
        title: &title,
        lead: html! {},
        place: Place::Audit,
        above: vec![("/console/audit".into(), "Audit log".into())],
        acts: html! {},
        body,
    })
}
