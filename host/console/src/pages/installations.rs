//! `/console/installations`: what is installed, and how it stands.

use axum::extract::Query;
use maud::html;

use super::{
    marketplace::Which,
    view::{Installation, Items, state},
};
use crate::{
    kit::{
        Tone, badge, empty,
        table::{more, number, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped},
};

/// Lists them.
pub(crate) async fn list(visit: Visit, Query(which): Query<Which>) -> Shown {
    let found: Items<Installation> = visit.get(&format!("/installations?limit=100{}", which.query())).await?;
    let next = found.cursor().map(|cursor| format!("/console/installations?cursor={}", escaped(&cursor)));
    let rows = found.items.iter().map(|one| {
        vec![
            html! { a href={ "/console/installations/" (one.id) } { (one.plugin) } span class="small quiet" { (one.id) } },
            html! { (one.tenant) },
            html! { (state(one)) @if one.waiting.is_some() { " " (badge(Tone::Accent, "Upgrade waits")) } },
            html! { (one.version) },
            html! { (one.granted.len()) },
        ]
    });
    let columns = [text("Plugin"), text("Tenant"), text("State"), text("Version"), number("Scopes granted")];
    let body = html! {
        section class="card flush" {
            @if found.items.is_empty() {
                (empty("Nothing is installed", &html! { p { a href="/console/marketplace" { "Look at the marketplace" } } }))
            } @else { (table("Installations", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Installations",
        lead: html! { "Each plugin in each tenant, with what its admin granted. What is not granted is not linked." },
        place: Place::Installations,
        above: Vec::new(),
        acts: html! { a class="button primary" href="/console/marketplace" { "Install a plugin" } },
        body,
    })
}
