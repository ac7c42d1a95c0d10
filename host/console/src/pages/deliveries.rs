//! `/console/deliveries`: events that were given up after their last try, or all of them: what became of each, and another try (INC-6).
//!
//! Invariant: what an event holds is on no page.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query},
    routing::{get, post},
};
use http::Method;
use maud::{Markup, html};
use portcullis_model::people::actions::DELIVERIES_RETRY;
use serde::Deserialize;

use super::{
    change::{Lies, Rehearsal, would},
    installation,
    tenants::{alone, filter},
    view::Items,
};
use crate::{
    host::{Ask, Host},
    kit::{
        Tone, badge, card, empty, facts,
        form::{press, select},
        notice,
        table::{more, number, table, text},
        tile,
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Sent, Shown, Visit, escaped, to, with},
};

const HOME: &str = "/console/deliveries";

/// The routes of all of this.
pub(crate) fn routes() -> Router<Arc<dyn Host>> {
    let one = "/console/deliveries/{number}";
    Router::new().route(HOME, get(list)).route(one, get(show)).route(&format!("{one}/retry"), post(retries))
}

/// The page of those to an installation.
pub(crate) fn of_installation(id: &str) -> String {
    format!("{HOME}?installation={}", escaped(id))
}

/// The page of one.
pub(crate) fn at(number: &str) -> String {
    format!("{HOME}/{}", escaped(number))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Delivery {
    number: i64,
    tenant: String,
    installation: String,
    back_end: bool,
    source: String,
    event: String,
    kind: String,
    state: String,
    attempts: u64,
    error: Option<String>,
}

/// How many are how far.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Depth {
    pending: u64,
    leased: u64,
    done: u64,
    dead: u64,
}

/// Which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    installation: String,
    tenant: String,
    all: String,
    cursor: String,
}

impl Wanted {
    fn is_all(&self) -> bool {
        self.all == "true"
    }

    /// The query without its cursor, as the page and the API take it.
    fn query(&self) -> String {
        let all = if self.is_all() { "true" } else { "" };
        format!("{}{}{}", with("installation", &self.installation), with("tenant", &self.tenant), with("all", all))
    }
}

/// How far a delivery got, in a word.
pub(super) fn standing(state: &str) -> Markup {
    match state {
        "pending" => badge(Tone::Accent, "waits"),
        "leased" => badge(Tone::Accent, "under way"),
        "done" => badge(Tone::Good, "delivered"),
        "dead" => badge(Tone::Bad, "given up"),
        other => badge(Tone::Plain, other),
    }
}

fn whom(one: &Delivery) -> Markup {
    html! { a href=(installation::at(&one.installation)) { (one.installation) } @if one.back_end { ", its back end" } }
}

/// Lists them.
async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let query = wanted.query();
    let asked = format!("/deliveries?limit=50{query}{}", with("cursor", &wanted.cursor));
    let found: Items<Delivery> = visit.get(&asked).await?;
    let next = found.cursor().map(|cursor| format!("{HOME}?cursor={}{query}", escaped(&cursor)));
    let body = html! {
        (depth(&visit).await)
        (filters(&visit, &wanted))
        section class="card flush" {
            @if !found.items.is_empty() { (rows(&found.items)) }
            @else if wanted.is_all() { (empty("Nothing was delivered yet", &html! { p { "Events come from " a href="/console/sources" { "sources" } "." } })) }
            @else { (empty("Nothing was given up", &html! { p { "An event that no try could deliver stands here until somebody has it tried again." } })) }
        }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Deliveries",
        lead: html! { "Events on their way to plugins and their back ends. What an event holds is not shown." },
        place: Place::Deliveries,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}

/// How many are how far on the whole host, for whoever looks after all of it.
async fn depth(visit: &Visit) -> Markup {
    if !visit.is_of_platform() {
        return html! {};
    }
    let Ok(all) = visit.ask(Ask::get("/deliveries/depth")).await.read::<Depth>() else { return html! {} };
    html! { div class="tiles" {
        (tile("Wait", &all.pending.to_string(), "for their turn, on the whole host", None))
        (tile("Under way", &all.leased.to_string(), "now", None))
        (tile("Delivered", &all.done.to_string(), "and still on record", None))
        (tile("Given up", &all.dead.to_string(), "after their last try", None))
    } }
}

fn filters(visit: &Visit, wanted: &Wanted) -> Markup {
    let all = if wanted.is_all() { "true" } else { "" };
    html! {
        form class="filters" method="get" {
            (select("all", "Which", all, &[("", "Those that were given up"), ("true", "All")]))
            (filter(visit, &wanted.tenant))
            @if !wanted.installation.is_empty() { input type="hidden" name="installation" value=(wanted.installation); }
            button type="submit" { "Show" }
        }
        (alone(visit, &wanted.tenant, HOME))
        @if !wanted.installation.is_empty() {
            p { "To " a href=(installation::at(&wanted.installation)) { (wanted.installation) } " alone. " a href=(HOME) { "To all installations" } }
        }
    }
}

fn rows(all: &[Delivery]) -> Markup {
    let rows = all.iter().map(|one| {
        vec![
            html! { a href=(at(&one.number.to_string())) { (one.number) } },
            html! { (one.kind) span class="small quiet" { (one.event) " from " (one.source) } },
            html! { (whom(one)) span class="small quiet" { (one.tenant) } },
            standing(&one.state),
            html! { (one.attempts) },
            html! { (one.error.as_deref().unwrap_or("–")) },
        ]
    });
    let columns =
        [text("Number"), text("Event"), text("To"), text("State"), number("Tries"), text("What went wrong last")];
    table("Deliveries, the newest first", &columns, rows.collect())
}

fn lies(one: Option<&str>) -> Lies {
    let above = std::iter::once((HOME.to_owned(), "Deliveries".to_owned()));
    (Place::Deliveries, above.chain(one.map(|number| (at(number), format!("Delivery {number}")))).collect())
}

/// Shows one.
async fn show(visit: Visit, Path(number): Path<String>) -> Shown {
    shown(&visit, &number, &html! {}).await
}

async fn shown(visit: &Visit, number: &str, said: &Markup) -> Shown {
    let one: Delivery = visit.get(&format!("/deliveries/{}", escaped(number))).await?;
    let may = visit.may_to(&DELIVERIES_RETRY, &one.tenant, "delivery", number).await;
    let body = html! {
        (said)
        (card("What became of it", &standing(&one.state), &about(&one)))
        @if one.state == "dead" && may {
            (card("Try it again", &html! {}, &html! {
                p class="quiet" { "Do so when what was wrong is mended. The plugin knows an event that it has handled before by the event's own id." }
                (press(&format!("{}/retry", at(number)), visit.token(), "primary", "Show what another try means", &[]))
            }))
        }
    };
    let (place, above) = lies(None);
    visit.show(Page {
        title: &format!("Delivery {number}"),
        lead: html! { (one.kind) " to " (one.installation) " in " strong { (one.tenant) } },
        place,
        above,
        acts: html! { a class="button" href=(of_installation(&one.installation)) { "Others to this installation" } },
        body,
    })
}

fn about(one: &Delivery) -> Markup {
    facts(&[
        ("Event", html! { (one.kind) ", " code { (one.event) } }),
        ("From", html! { (one.source) }),
        ("To", whom(one)),
        ("Tries", html! { (one.attempts) }),
        ("What went wrong last", html! { (one.error.as_deref().unwrap_or("Nothing")) }),
    ])
}

/// What a form about one holds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Change {
    step: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Retried {
    delivery: Delivery,
    retried: bool,
}

/// Shows what another try means, or has it tried again.
async fn retries(Path(number): Path<String>, Sent(visit, sent): Sent<Change>) -> Shown {
    let does = sent.step == "do";
    let rehearsal = if does { "" } else { "?dry_run=true" };
    let path = format!("/deliveries/{}/retry{rehearsal}", escaped(&number));
    let tried = visit.ask(Ask { method: Method::POST, ..Ask::get(path) }).await;
    let Retried { delivery: one, retried } = match tried.read() {
        Ok(tried) => tried,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &number, &said).await;
        }
    };
    if !retried {
        let said = notice(
            Tone::Plain,
            "It is not given up any more",
            &html! { p { "Somebody else has had it tried again." } },
        );
        return shown(&visit, &number, &said).await;
    }
    if does {
        return Ok(to(&at(&number)));
    }
    let said = [
        ("Waits for its turn", html! { (one.kind) ", " code { (one.event) } }),
        ("Goes to", whom(&one)),
        ("Tries so far", html! { (one.attempts) ", counted from none again" }),
    ];
    let rehearsal = Rehearsal {
        lies: lies(Some(&number)),
        would: would("Another try", &said),
        action: &format!("{}/retry", at(&number)),
        sends: html! {},
        does: "Try it again",
        takes: false,
        back: &at(&number),
    };
    rehearsal.show(&visit)
}
