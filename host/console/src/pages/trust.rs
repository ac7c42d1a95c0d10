//! `/console/trust`: whom this host trusts: the newest root of the platform and of each tenant that has one (INT-1, INT-12).
//!
//! Read only: a root is changed by a next version that its keepers signed, away from any browser.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::Query;
use maud::{Markup, html};
use serde::Deserialize;

use super::view::{Items, digest, moment};
use crate::{
    kit::{
        Tone, badge, empty, facts, notice,
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped, with},
};

const HOME: &str = "/console/trust";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    root: Root,
    expired: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Root {
    scope: String,
    version: u64,
    expires: String,
    keys: BTreeMap<String, Known>,
    root: Role,
    reviewers: BTreeSet<String>,
    withdrawals: Role,
    overrides: Role,
    publishers: Option<Vec<Publisher>>,
    reviews: Needed,
    revoked: Revoked,
    floors: BTreeMap<String, u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Known {
    key: String,
    owner: String,
}

/// Some keys, and how many of them it takes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Role {
    keys: BTreeSet<String>,
    threshold: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Publisher {
    prefix: String,
    keys: BTreeSet<String>,
    threshold: u64,
}

/// How many reviewers it takes, by the risk of a release.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Needed {
    low: u64,
    medium: u64,
    high: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Revoked {
    keys: BTreeSet<String>,
    digests: BTreeSet<String>,
}

/// Which page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    cursor: String,
}

/// Lists them.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let found: Items<View> = visit.get(&format!("/trust?limit=20{}", with("cursor", &wanted.cursor))).await?;
    let next = found.cursor().map(|cursor| format!("{HOME}?cursor={}", escaped(&cursor)));
    let body = html! {
        @if found.items.is_empty() {
            section class="card flush" { (nobody(visit.is_of_platform())) }
        }
        @for one in &found.items { (root(one)) }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Trust",
        lead: html! { "Whose plugins run here: who publishes, reviews and withdraws them. It is changed by a next version that enough of its keepers signed, with "
            code { "portcullis trust" } ", and not here." },
        place: Place::Trust,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}

fn nobody(of_platform: bool) -> Markup {
    if of_platform {
        return empty(
            "Nobody is trusted yet",
            &html! { p { "No plugin runs before this host has a root. " code { "portcullis init" } " makes the first one." } },
        );
    }
    empty(
        "No root of your own",
        &html! { p {
            "The platform's root alone says whose plugins run here. A tenant that wants a say of its own asks the platform for "
            code { "portcullis trust tenant" } ": from then on both must agree."
        } },
    )
}

/// For whom a root speaks.
fn scope(name: &str) -> String {
    match name.strip_prefix("tenant:") {
        Some(tenant) => format!("Tenant {tenant}"),
        None => "The platform".to_owned(),
    }
}

fn root(view: &View) -> Markup {
    let one = &view.root;
    html! { section class="card" {
        header {
            h2 { (scope(&one.scope)) }
            @if view.expired { (badge(Tone::Bad, "over")) } @else { (badge(Tone::Good, "in force")) }
        }
        @if view.expired {
            (notice(Tone::Bad, "It is over", &html! { p { "Nothing that it speaks for runs before its keepers sign the next version." } }))
        }
        (facts(&[
            ("Version", html! { (one.version) }),
            ("Holds until", moment(&one.expires)),
            ("Its next version is signed by", of(&one.root)),
            ("A release is approved by", reviewers(one)),
            ("A release is withdrawn by", of(&one.withdrawals)),
            ("A release below its floor is let run by", of(&one.overrides)),
            ("Plugins are published by", publishers(one)),
            ("Lowest release that runs", floors(&one.floors)),
            ("Revoked releases", digests(&one.revoked.digests)),
        ]))
        h3 { "Keys" }
        (keys(one))
    } }
}

/// How many of how many keys.
fn of(role: &Role) -> Markup {
    html! { @if role.keys.is_empty() { "Nobody" } @else { (role.threshold) " of " (role.keys.len()) " keys" } }
}

fn reviewers(one: &Root) -> Markup {
    let Needed { low, medium, high } = &one.reviews;
    html! {
        "Of low risk: " (low) ", of medium risk: " (medium) ", of high risk: " (high) ", out of "
        (one.reviewers.len()) " reviewers"
    }
}

fn publishers(one: &Root) -> Markup {
    match one.publishers.as_deref() {
        None => html! { "Whoever the platform lets" },
        Some([]) => html! { "Nobody" },
        Some(all) => html! { ul class="plain" { @for publisher in all { li {
            (publisher.prefix) ": " (publisher.threshold) " of " (publisher.keys.len()) " keys"
        } } } },
    }
}

fn floors(all: &BTreeMap<String, u64>) -> Markup {
    html! {
        @if all.is_empty() { "Any" }
        @else { ul class="plain" { @for (plugin, number) in all { li { (plugin) ": number " (number) } } } }
    }
}

fn digests(all: &BTreeSet<String>) -> Markup {
    html! {
        @if all.is_empty() { "None" }
        @else { ul class="plain" { @for one in all { li { (digest(one)) } } } }
    }
}

/// The keys by whose they are, and those that are revoked without being known.
fn keys(one: &Root) -> Markup {
    let mut known: Vec<(&String, &Known)> = one.keys.iter().collect();
    known.sort_by_key(|(id, key)| (&key.owner, *id));
    let mut rows: Vec<Vec<Markup>> = known
        .into_iter()
        .map(|(id, key)| vec![html! { (key.owner) }, may(one, id), shortened(id, &key.key), state(one, id)])
        .collect();
    let unknown = one.revoked.keys.iter().filter(|id| !one.keys.contains_key(*id));
    rows.extend(unknown.map(|id| vec![html! { "Not known here" }, html! { "–" }, shortened(id, id), state(one, id)]));
    let columns = [text("Whose"), text("What it is for"), text("Key"), text("State")];
    table(&format!("Keys of the root of {}", scope(&one.scope)), &columns, rows)
}

/// The beginning of a key's id, and the whole key behind it.
fn shortened(id: &str, key: &str) -> Markup {
    html! { code title=(key) { (id.get(..12).unwrap_or(id)) } }
}

fn state(one: &Root, id: &str) -> Markup {
    if one.revoked.keys.contains(id) { badge(Tone::Bad, "revoked") } else { badge(Tone::Good, "trusted") }
}

/// What a key may sign.
fn may(one: &Root, id: &str) -> Markup {
    let roles = [
        (one.root.keys.contains(id), "the next version of this root"),
        (one.reviewers.contains(id), "reviews"),
        (one.withdrawals.keys.contains(id), "withdrawals"),
        (one.overrides.keys.contains(id), "releases below their floor"),
    ];
    let mut words: Vec<String> =
        roles.iter().filter(|(holds, _)| *holds).map(|(_, words)| (*words).to_owned()).collect();
    let publishers = one.publishers.iter().flatten().filter(|publisher| publisher.keys.contains(id));
    words.extend(publishers.map(|publisher| format!("plugins of {}", publisher.prefix)));
    html! { @if words.is_empty() { "Nothing" } @else { ul class="plain" { @for one in &words { li { (one) } } } } }
}
