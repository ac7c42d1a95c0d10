//! `/console`: how all stands, and what waits for somebody.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    denials::{Denial, drawn, rows},
    installation::at,
    notices,
    view::{Installation, Items, state},
};
use crate::{
    host::Ask,
    kit::{Tone, badge, card, card_flush, empty, notice, tile},
    shell::Page,
    strings::Place,
    visit::{Shown, Visit},
};

/// How many upgrades that wait are named.
const NOTICES: usize = 4;

/// Shows it. What a reader may not see is left out, and is no reason to show nothing.
pub(crate) async fn show(visit: Visit) -> Shown {
    let installations: Option<Items<Installation>> = visit.ask(Ask::get("/installations?limit=200")).await.read().ok();
    let denied: Option<Items<Denial>> = visit.ask(Ask::get("/denials?limit=200&days=14")).await.read().ok();
    let alerts: Option<Items<Value>> = visit.ask(Ask::get("/alerts?limit=50&state=open")).await.read().ok();
    let told: Option<Items<Value>> = visit.ask(Ask::get("/notices?limit=200")).await.read().ok();
    let more = if installations.as_ref().is_some_and(|found| found.next.is_some()) { "+" } else { "" };
    let all = installations.map(|found| found.items).unwrap_or_default();
    // Of more than one page it is said that there are others.
    let count = |state: &str| format!("{}{more}", all.iter().filter(|one| one.state == state).count());
    let waiting: Vec<&Installation> = all.iter().filter(|one| one.waiting.is_some()).collect();
    let body = html! {
        div class="tiles" {
            (tile("Plugins that run", &count("active"), &format!("{} suspended", count("suspended")), Some("/console/installations")))
            (tile("Upgrades that wait", &format!("{}{more}", waiting.len()), "for somebody to agree", Some("/console/installations")))
            @if let Some(told) = &told { (tile("Notices", &number(told), "what needs somebody", Some(notices::HOME))) }
            @if let Some(alerts) = &alerts { (tile("Open alerts", &alerts.items.len().to_string(), "to be looked at", Some("/console/alerts"))) }
            @if let Some(denied) = &denied { (tile("Denials", &number(denied), "in the last 14 days", Some("/console/denials"))) }
        }
        @for one in waiting.iter().take(NOTICES) {
            (notice(Tone::Accent, &format!("{} {} waits for you", one.plugin, one.waiting.as_ref().map(|w| w.version.clone()).unwrap_or_default()), &html! {
                p { a href={ (at(&one.id)) "/upgrade" } { "See what is different" } " in " (one.tenant) }
            }))
        }
        @if waiting.len() > NOTICES { p { "And " (waiting.len() - NOTICES) (more) " others: see " a href="/console/installations" { "the installations" } "." } }
        (plugins(&all))
        @if let Some(denied) = denied.filter(|found| !found.items.is_empty()) {
            @let picture = drawn(&denied);
            @if !picture.0.is_empty() { (card("Denials", &badge(Tone::Accent, "14 days"), &picture)) }
            (card_flush("Denied last", &html! { a href="/console/denials" { "All of them" } }, &rows(denied.items.get(..5).unwrap_or(&denied.items))))
        }
    };
    visit.show(Page {
        title: "Overview",
        lead: html! { "What runs, what it was refused, and what waits for you." },
        place: Place::Overview,
        above: Vec::new(),
        acts: html! { a class="button" href="/console/account" { "Your account" } },
        body,
    })
}

fn number<T>(found: &Items<T>) -> String {
    if found.next.is_some() { format!("{}+", found.items.len()) } else { found.items.len().to_string() }
}

fn plugins(all: &[Installation]) -> Markup {
    if all.is_empty() {
        return card(
            "Nothing is installed",
            &html! {},
            &empty("Begin with a plugin", &html! { p { a href="/console/marketplace" { "Look at the marketplace" } } }),
        );
    }
    let some = all.iter().filter(|one| matches!(one.state.as_str(), "active" | "suspended")).take(12);
    card(
        "Plugins",
        &html! { a href="/console/installations" { "All of them" } },
        &html! {
            ul class="plain" { @for one in some {
                li class="row apart" { a href=(at(&one.id)) { (one.plugin) } span class="row" { span class="quiet small" { (one.tenant) " · " (one.version) } (state(one)) } }
            } }
        },
    )
}
