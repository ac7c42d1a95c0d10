//! `/console/denials`: what plugins were denied: by which layer, and who could change that.

use std::collections::BTreeMap;

use axum::extract::Query;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    installation::at,
    view::{Items, moment},
};
use crate::{
    kit::{
        card,
        chart::{Series, columns},
        empty,
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped},
};

/// An act that was denied.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Denial {
    index: u64,
    pub at: String,
    tenant: Option<String>,
    plugin: Option<String>,
    installation: Option<String>,
    act: Option<String>,
    scope: Option<String>,
    layer: Option<String>,
    reason: Option<String>,
    grantor: Option<String>,
}

/// Which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    installation: Option<String>,
    cursor: Option<String>,
}

/// Denials as a table.
pub(crate) fn rows(all: &[Denial]) -> Markup {
    let text_of = |value: &Option<String>| value.clone().unwrap_or_default();
    let rows = all.iter().map(|one| {
        let who = html! {
            @if let Some(id) = &one.installation { a href=(at(id)) { (text_of(&one.plugin)) } } @else { (text_of(&one.plugin)) }
            span class="small quiet" { (text_of(&one.tenant)) }
        };
        vec![
            html! { a href={ "/console/audit/" (one.index) } { (moment(&one.at)) } },
            who,
            html! { code { (text_of(&one.act)) } },
            html! { (text_of(&one.reason)) span class="small quiet" { code { (text_of(&one.scope)) } } },
            html! { (text_of(&one.layer)) },
            html! { (text_of(&one.grantor)) },
        ]
    });
    let columns = [text("When"), text("Plugin"), text("Act"), text("Why"), text("Layer"), text("Who could grant it")];
    table("Denied acts, the newest first", &columns, rows.collect())
}

/// Denials a day, drawn. Nothing is drawn of a list that has more, since its days would say too little.
pub(crate) fn drawn(found: &Items<Denial>) -> Markup {
    if found.items.is_empty() || found.next.is_some() {
        return html! {};
    }
    let mut days: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for one in &found.items {
        let layer = one.layer.as_deref().unwrap_or("not known");
        *days.entry(one.at.get(5..10).unwrap_or(&one.at)).or_default().entry(layer).or_default() += 1;
    }
    let mut layers: Vec<&str> = days.values().flat_map(|day| day.keys().copied()).collect();
    layers.sort_unstable();
    layers.dedup();
    let series: Vec<Series> = layers
        .iter()
        .zip((1..=4).cycle())
        .map(|(layer, colour)| Series {
            name: (*layer).to_owned(),
            colour,
            values: days.values().map(|day| day.get(layer).copied().unwrap_or(0)).collect(),
        })
        .collect();
    let steps: Vec<String> = days.keys().map(|day| (*day).to_owned()).collect();
    columns("Denials a day, by the layer that denied; days without any are left out", &steps, &series)
}

/// Lists them.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let mut query = String::from("limit=200");
    let mut own = String::new();
    if let Some(id) = &wanted.installation {
        own = format!("installation={}&", escaped(id));
        query.push_str(&format!("&installation={}", escaped(id)));
    }
    if let Some(cursor) = &wanted.cursor {
        query.push_str(&format!("&cursor={}", escaped(cursor)));
    }
    let found: Items<Denial> = visit.get(&format!("/denials?{query}")).await?;
    let next = found.cursor().map(|cursor| format!("/console/denials?{own}cursor={}", escaped(&cursor)));
    let picture = if wanted.cursor.is_none() {
        drawn(&found)
    } else {
        html! {}
    };
    let body = html! {
        @if !picture.0.is_empty() { (card("Day by day", &html! {}, &picture)) }
        section class="card flush" {
            @if found.items.is_empty() { (empty("Nothing was denied", &html! { p { "In the last 30 days." } })) } @else { (rows(&found.items)) }
        }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Denials",
        lead: html! { "Every act that was asked for and not permitted: by which layer, and who could change that." },
        place: Place::Denials,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}
