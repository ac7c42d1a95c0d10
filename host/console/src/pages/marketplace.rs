//! `/console/marketplace`: the plugins of which there are releases.

use axum::extract::Query;
use maud::html;
use serde::Deserialize;

use super::view::{Items, Release, digest, moment};
use crate::{
    kit::{
        card_flush, empty,
        table::{more, number, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped},
};

/// Which page.
#[derive(Deserialize)]
pub(crate) struct Which {
    pub cursor: Option<String>,
}

impl Which {
    /// As a part of a query.
    pub fn query(&self) -> String {
        self.cursor.as_deref().map(|cursor| format!("&cursor={}", escaped(cursor))).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Plugin {
    plugin: String,
    releases: u64,
    newest: Release,
}

/// Where a release is shown.
pub(crate) fn link(release: &Release) -> String {
    format!("/console/releases/{}/{}", release.component, release.manifest)
}

/// Lists them.
pub(crate) async fn list(visit: Visit, Query(which): Query<Which>) -> Shown {
    let found: Items<Plugin> = visit.get(&format!("/plugins?limit=50{}", which.query())).await?;
    let next = found.cursor().map(|cursor| format!("/console/marketplace?cursor={}", escaped(&cursor)));
    let rows = found.items.iter().map(|one| {
        vec![
            html! { a href=(link(&one.newest)) { (one.plugin) } },
            html! { (one.newest.version) },
            html! { (one.releases) },
            digest(&one.newest.component),
            moment(&one.newest.since),
        ]
    });
    let columns = [text("Plugin"), text("Newest version"), number("Releases"), text("Component"), text("Published")];
    let body = html! {
        section class="card flush" {
            @if found.items.is_empty() {
                (empty("No plugin is published yet", &html! { p { "A developer publishes one with " code { "portcullis plugin publish" } "." } }))
            } @else { (table("Plugins in the registry", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Marketplace",
        lead: html! { "Plugins whose releases lie in this host's registry. Each release is signed, and is known by the digest of its bytes." },
        place: Place::Marketplace,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}

/// Its releases, as a table.
pub(crate) fn releases(all: &[Release], this: &Release) -> maud::Markup {
    // A manifest can change while the component stays.
    let same = |one: &Release| one.component == this.component && one.manifest == this.manifest;
    let rows = all.iter().map(|one| {
        vec![
            html! { @if same(one) { (one.version) " (this one)" } @else { a href=(link(one)) { (one.version) } } },
            html! { (one.number) },
            moment(&one.since),
            digest(&one.component),
        ]
    });
    let columns = [text("Version"), number("Number"), text("Published"), text("Component")];
    card_flush("Versions", &html! {}, &table("Releases of this plugin", &columns, rows.collect()))
}
