//! `/console/alerts/rules`: what the log is held against: each rule, and what to look at when it raises an alert (MON-4).

use axum::extract::{Path, Query};
use maud::{Markup, html};
use serde::Deserialize;

use super::{alerts::severity, view::Items};
use crate::{
    kit::{
        Tone, badge, card, empty, facts,
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped, with},
};

pub(crate) const HOME: &str = "/console/alerts/rules";

/// The page of one.
pub(crate) fn at(id: &str) -> String {
    format!("{HOME}/{}", escaped(id))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Rule {
    id: String,
    title: String,
    severity: String,
    party: String,
    duties: Vec<String>,
    look_at: String,
    #[serde(rename = "where")]
    filter: String,
    raises: String,
    cool_down_hours: u64,
    enabled: bool,
    own: bool,
    file: Option<String>,
}

/// Whether it is applied.
fn standing(one: &Rule) -> Markup {
    match one.enabled {
        true => badge(Tone::Good, "applied"),
        false => badge(Tone::Plain, "not applied"),
    }
}

fn origin(one: &Rule) -> &'static str {
    if one.own { "This host's operator" } else { "Comes with the host" }
}

/// Which page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    cursor: String,
}

/// Lists them.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let found: Items<Rule> = visit.get(&format!("/rules?limit=100{}", with("cursor", &wanted.cursor))).await?;
    let next = found.cursor().map(|cursor| format!("{HOME}?cursor={}", escaped(&cursor)));
    let rows = found.items.iter().map(|one| {
        vec![
            html! { a href=(at(&one.id)) { (one.title) } span class="small quiet" { (one.id) } },
            severity(&one.severity),
            html! { (one.party) },
            standing(one),
            html! { (origin(one)) },
        ]
    });
    let columns = [text("Rule"), text("Severity"), text("Who must act"), text("State"), text("Whose")];
    let body = html! {
        section class="card flush" {
            @if found.items.is_empty() { (empty("There is no rule", &html! { p { "Nothing raises an alert. A rule is a file that whoever runs this host puts into its home, in the directory 'rules'." } })) }
            @else { (table("Rules", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Rules",
        lead: html! { "What the log is held against. What a rule finds raises an alert. Whoever runs this host adds others, and takes those away that do not fit." },
        place: Place::Alerts,
        above: vec![("/console/alerts".into(), "Alerts".into())],
        acts: html! {},
        body,
    })
}

/// Shows one.
pub(crate) async fn one(visit: Visit, Path(id): Path<String>) -> Shown {
    let one: Rule = visit.get(&format!("/rules/{}", escaped(&id))).await?;
    let body = html! {
        (card("What it finds", &html! { (severity(&one.severity)) " " (standing(&one)) }, &about(&one)))
        (card("What to look at", &html! {}, &html! { p { (one.look_at) } }))
    };
    visit.show(Page {
        title: &one.title,
        lead: html! { (one.id) },
        place: Place::Alerts,
        above: vec![("/console/alerts".into(), "Alerts".into()), (HOME.into(), "Rules".into())],
        acts: html! {
            a class="button" href={ "/console/audit?q=" (escaped(&one.filter)) } { "Entries that it is held against" }
        },
        body,
    })
}

fn about(one: &Rule) -> Markup {
    let mut all = vec![
        ("Is held against entries with", html! { code { (one.filter) } }),
        ("Raises an alert at", html! { (one.raises) }),
        ("Further hits go into the same alert", cool_down(one.cool_down_hours)),
        ("Who must act", html! { (one.party) }),
        ("Serves the duties", html! { (one.duties.join(", ")) }),
        ("Whose", html! { (origin(one)) }),
    ];
    all.extend(one.file.as_ref().map(|file| ("Its file", html! { code { (file) } })));
    facts(&all)
}

fn cool_down(hours: u64) -> Markup {
    html! {
        @match hours {
            0 => { "never: each hit is an alert of its own" }
            1 => { "for one hour" }
            many => { "for " (many) " hours" }
        }
    }
}
