//! `/console/audit/proof`: what shows that the log is what it was: its newest signed head, its views, who cosigns it and who is sent it;
//! and `/console/audit/{index}/proof`: the proof of one entry, to take along.

use axum::extract::{Path, Query};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::{
    download,
    view::{Items, moment},
};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, card_flush, empty, facts, notice,
        table::{more, number, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Instead, Shown, Visit, escaped, with},
};

/// Where it is shown.
pub(super) const HOME: &str = "/console/audit/proof";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Head {
    origin: String,
    size: u64,
    root: String,
    key: String,
    checkpoint: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    tag: String,
    tenant: Option<String>,
    size: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Witness {
    name: String,
    url: String,
    cosigned: u64,
    asked: Option<String>,
    problem: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Outlet {
    name: String,
    to: String,
    begun: bool,
    next: Option<u64>,
    entries: Option<u64>,
    lag: Option<u64>,
    oldest_waiting: Option<String>,
    last_arrived: Option<String>,
    failing_since: Option<String>,
    problem: Option<String>,
    refused: Option<u64>,
    missed: Option<u64>,
}

/// Of what: the whole log, the view of a tenant, or that of what is no tenant's.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    tenant: String,
    host: String,
    cursor: String,
}

impl Wanted {
    /// The view that is meant: whoever looks after no more than tenants sees that of one of them.
    fn tenant(&self, visit: &Visit) -> String {
        match self.tenant.as_str() {
            "" if !visit.is_of_platform() => visit.tenants().into_iter().next().unwrap_or_default(),
            named => named.to_owned(),
        }
    }
}

/// Shows it.
pub(crate) async fn show(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let (tenant, host) = (wanted.tenant(&visit), if wanted.host == "true" { "true" } else { "" });
    let query = format!("{}{}", with("tenant", &tenant), with("host", host));
    let head = head(&visit, &query).await?;
    let views: Items<View> = visit.get(&format!("/audit/views?limit=100{}", with("cursor", &wanted.cursor))).await?;
    let next = views.cursor().map(|cursor| format!("{HOME}?cursor={}{query}", escaped(&cursor)));
    // Witnesses cosign the whole log, and are measured by that.
    let whole = head.as_ref().filter(|_| query.is_empty()).map(|head| head.size);
    let body = html! {
        (newest(head.as_ref(), &tenant, host))
        (card_flush("Views", &html! {}, &listed(&views.items)))
        (more(MORE, next.as_deref()))
        (of_platform(&visit, whole).await)
    };
    visit.show(Page {
        title: "Proof of the log",
        lead: html! { "Nobody can change the log unseen: whoever keeps a checkpoint elsewhere can show whether it still contains what that stands for." },
        place: Place::Audit,
        above: vec![("/console/audit".into(), "Audit log".into())],
        acts: html! { @if visit.is_of_platform() && !query.is_empty() { a class="button" href=(HOME) { "Of the whole log" } } },
        body,
    })
}

/// The newest head; none where nothing is published yet.
async fn head(visit: &Visit, query: &str) -> Result<Option<Head>, Instead> {
    let asked = format!("/audit/checkpoint?{}", query.trim_start_matches('&'));
    match visit.ask(Ask::get(asked)).await.read() {
        Ok(head) => Ok(Some(head)),
        Err(refused) if refused.status == StatusCode::NOT_FOUND => Ok(None),
        Err(refused) => Err(visit.refused(&refused).into()),
    }
}

fn newest(head: Option<&Head>, tenant: &str, host: &str) -> Markup {
    let Some(head) = head else {
        return notice(
            Tone::Plain,
            "Nothing is published yet",
            &html! { p { "There is a checkpoint as soon as the host has published its first entries. It does so by itself." } },
        );
    };
    let of = match (tenant, host) {
        ("", "") => html! { "The whole log" },
        ("", _) => html! { "What is no tenant's" },
        (tenant, _) => html! { "What is of " strong { (tenant) } },
    };
    card(
        "Newest checkpoint",
        &html! {},
        &html! {
            (facts(&[
                ("Of", of),
                ("The log's name", html! { code { (head.origin) } }),
                ("Entries", html! { (head.size) }),
                ("Hash of all of them", html! { code { (head.root) } }),
                ("Public key", html! { code { (head.key) } }),
            ]))
            h3 { "What to keep elsewhere" }
            pre tabindex="0" aria-label="The checkpoint, a signed note" role="region" { (head.checkpoint) }
        },
    )
}

fn listed(all: &[View]) -> Markup {
    if all.is_empty() {
        return empty(
            "There are no views yet",
            &html! { p { "Each tenant's entries are a log of their own as soon as they are published." } },
        );
    }
    let rows = all.iter().map(|view| {
        let whose = match &view.tenant {
            Some(tenant) => html! { a href={ (HOME) "?tenant=" (escaped(tenant)) } { (tenant) } },
            None => html! { a href={ (HOME) "?host=true" } { "No tenant's: of the host itself" } },
        };
        vec![whose, html! { (view.size) }, html! { code { (view.tag) } }]
    });
    let columns = [text("Of whom"), number("Entries"), text("Called in the published log")];
    table("Views of the log", &columns, rows.collect())
}

/// Who cosigns the log and who is sent it, for whoever looks after the platform.
async fn of_platform(visit: &Visit, whole: Option<u64>) -> Markup {
    if !visit.is_of_platform() {
        return html! {};
    }
    let cosigned = visit.ask(Ask::get("/audit/witnesses?limit=200")).await.read::<Items<Witness>>();
    let sent = visit.ask(Ask::get("/audit/outlets?limit=200")).await.read::<Items<Outlet>>();
    html! {
        @if let Ok(found) = &cosigned { (card_flush("Witnesses", &html! {}, &witnesses(&found.items, whole))) }
        @if let Ok(found) = &sent { (card_flush("Outlets", &html! {}, &outlets(&found.items))) }
    }
}

fn witnesses(all: &[Witness], whole: Option<u64>) -> Markup {
    if all.is_empty() {
        return empty(
            "Nobody cosigns the log",
            &html! { p { "A witness is somebody else who vouches that the log only grew. Name one with " code { "portcullis audit witness add" }
            "; without one, keep checkpoints elsewhere yourself." } },
        );
    }
    let rows = all.iter().map(|one| {
        vec![
            html! { (one.name) span class="small quiet" { (one.url) } },
            html! { (one.cosigned) @if let Some(whole) = whole { " of " (whole) } },
            vouches(one, whole),
            html! { @if let Some(asked) = &one.asked { (moment(asked)) } @else { "–" } },
        ]
    });
    let columns = [text("Witness"), number("Entries cosigned"), text("How it stands"), text("Asked last")];
    table("Who cosigns the log", &columns, rows.collect())
}

/// How a witness stands. One that was asked and says nothing against it has cosigned then.
fn vouches(one: &Witness, whole: Option<u64>) -> Markup {
    match (&one.problem, &one.asked) {
        (Some(why), _) => {
            html! { (badge(Tone::Bad, "did not cosign")) span class="small quiet" { (why) } }
        }
        (None, None) => badge(Tone::Plain, "not asked yet"),
        (None, Some(_)) if whole.is_some_and(|whole| one.cosigned < whole) => badge(Tone::Accent, "some are to come"),
        (None, Some(_)) => badge(Tone::Good, "cosigned"),
    }
}

fn outlets(all: &[Outlet]) -> Markup {
    if all.is_empty() {
        return empty(
            "Nobody is sent the log",
            &html! { p { "An outlet sends each entry to a receiver of yours as it is written: name one in the host's configuration, under "
            code { "[audit.syslog]" } " or " code { "[audit.otlp]" } "." } },
        );
    }
    let rows = all.iter().map(|one| {
        vec![
            html! { (one.name) span class="small quiet" { (one.to) } },
            sends(one),
            html! { @match (one.next, one.entries) { (Some(next), Some(entries)) => { (next) " of " (entries) } _ => { "–" } } },
            html! { @if let Some(at) = &one.last_arrived { (moment(at)) } @else { "–" } },
            lost(one),
        ]
    });
    let columns =
        [text("Outlet"), text("How it stands"), number("Entries arrived"), text("Last arrived"), text("Not arrived")];
    table("Who is sent the log", &columns, rows.collect())
}

fn sends(one: &Outlet) -> Markup {
    let lag = one.lag.unwrap_or_default();
    let since = one.failing_since.as_ref().or(one.oldest_waiting.as_ref()).filter(|_| one.begun);
    let state = match (one.begun, one.failing_since.is_some(), one.problem.is_some(), lag) {
        (false, ..) => badge(Tone::Plain, "begins when the host next starts"),
        (true, true, ..) => badge(Tone::Bad, "its receiver takes none"),
        (true, false, true, _) => badge(Tone::Warn, "something is wrong"),
        (true, false, false, 0) => badge(Tone::Good, "up to date"),
        (true, false, false, waiting) => badge(Tone::Accent, &format!("{waiting} wait")),
    };
    html! {
        (state)
        @if let Some(since) = since { span class="small quiet" { "since " (moment(since)) } }
        @if let Some(why) = &one.problem { span class="small quiet" { (why) } }
    }
}

/// What will not arrive any more.
fn lost(one: &Outlet) -> Markup {
    let (refused, missed) = (one.refused.unwrap_or_default(), one.missed.unwrap_or_default());
    html! {
        @if refused + missed == 0 { "None" }
        @if refused > 0 { (refused) " that its receiver would not keep" }
        @if refused > 0 && missed > 0 { ", " }
        @if missed > 0 { (missed) " that were gone before they were sent" }
    }
}

/// Where the proof of an entry is taken.
pub(super) fn of_entry(index: u64) -> String {
    format!("/console/audit/{index}/proof")
}

/// Hands over the proof of an entry.
pub(crate) async fn entry(visit: Visit, Path(index): Path<u64>) -> Shown {
    let proof: Value = visit.get(&format!("/audit/entries/{index}/proof")).await?;
    Ok(download::json(&format!("entry-{index}.json"), &proof.to_string()))
}
