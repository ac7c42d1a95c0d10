//! `/console/duties`: what is open in a tenant by party and person, what was stated and until when, and the whole line of who answers
//! for what.

use axum::extract::{Path, Query};
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{
    posture::{Move, capital, moves},
    tenants::{choice, meant},
    view::{Items, moment},
};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, card_flush, empty,
        form::{Text, form, select, why},
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Sent, Shown, Visit, escaped, with},
};

const HOME: &str = "/console/duties";
/// The parties, as the API names them.
const PARTIES: [(&str, &str); 6] = [
    ("", "Everybody"),
    ("subscriber", "Subscriber"),
    ("platform", "Platform"),
    ("developer", "Developer"),
    ("reviewer", "Reviewer"),
    ("shared", "Shared"),
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Open {
    tenant: String,
    at: String,
    open: Vec<Move>,
}

/// The catalogue.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Catalogue {
    pub duties: Vec<Duty>,
    outside: Vec<Duty>,
}

/// A duty.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Duty {
    pub id: String,
    section: String,
    pub title: String,
    party: String,
    words: String,
    sees: String,
    how: String,
    what: String,
    by: String,
    days: Option<u64>,
    missing: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attested {
    counts: bool,
    attestation: Said,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    number: u64,
    duty: String,
    tenant: Option<String>,
    party: String,
    by: String,
    statement: String,
    since: String,
    until: String,
}

/// Which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    tenant: String,
    party: String,
    cursor: String,
}

/// Shows them.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let tenant = meant(&visit, &wanted.tenant);
    let asked = format!("{}{}", with("tenant", &tenant), with("party", &wanted.party));
    let found: Open = visit.get(&format!("/duties/open?{}", asked.trim_start_matches('&'))).await?;
    let all: Catalogue = visit.get("/duties").await?;
    let said = format!("/attestations?limit=50&tenant={}{}", escaped(&found.tenant), with("cursor", &wanted.cursor));
    let said: Option<Items<Attested>> = visit.ask(Ask::get(said)).await.read().ok();
    let body = html! {
        form class="filters" method="get" action=(HOME) {
            (choice(&visit, &found.tenant))
            (select("party", "Who must act", &wanted.party, &PARTIES))
            button type="submit" { "Show" }
        }
        (moves("Open", &found.open, &found.tenant))
        @if let Some(said) = &said { (stated(said, visit.token(), &found.tenant)) }
        details class="stack" open[!wanted.party.is_empty() && found.open.is_empty()] {
            summary { strong { "The whole line: who answers for what" } }
            (catalogue(&all, &wanted.party))
        }
    };
    visit.show(Page {
        title: "Duties",
        lead: html! { "Who answers for what in " strong { (found.tenant) } ", and what is open, as of " (moment(&found.at)) "." },
        place: Place::Duties,
        above: Vec::new(),
        acts: html! { a class="button" href={ "/admin/v1/duties/open.html?tenant=" (escaped(&found.tenant)) } { "As a page to print" } },
        body,
    })
}

/// What was stated, and how it is taken back.
fn stated(said: &Items<Attested>, token: &str, tenant: &str) -> Markup {
    let next = said.cursor().map(|cursor| format!("{HOME}?tenant={}&cursor={}", escaped(tenant), escaped(&cursor)));
    let rows = said.items.iter().map(|one| {
        let Attested { counts, attestation: said } = one;
        vec![
            html! { span class="nowrap" { (said.duty) } },
            if *counts { badge(Tone::Good, "counts") } else { badge(Tone::Warn, "lapsed") },
            html! { (said.statement) span class="small quiet" { (said.by) ", for the " (said.party) @if said.tenant.is_none() { " of the whole host" } } },
            moment(&said.since),
            moment(&said.until),
            html! { @if *counts && said.tenant.is_some() { (take_back(said, token)) } },
        ]
    });
    let columns = [text("Duty"), text("State"), text("What was stated"), text("Since"), text("Until"), text("")];
    html! {
        (card_flush("What was stated", &html! {}, &html! {
            @if said.items.is_empty() { (empty("Nothing was stated yet", &html! { p { "What is open above says what is to be stated." } })) }
            @else { (table("What was stated", &columns, rows.collect())) }
        }))
        (more(MORE, next.as_deref()))
    }
}

fn take_back(said: &Said, token: &str) -> Markup {
    html! { details {
        summary { "Take back" }
        (form(&format!("{HOME}/{}", said.number), token, &html! {
            (why(&format!("back-{}", said.number), Some(10)))
            div { button type="submit" class="danger" { "Take " (said.duty) " back" } }
        }))
    } }
}

fn catalogue(all: &Catalogue, party: &str) -> Markup {
    let meant = |duty: &&Duty| party.is_empty() || duty.party == party;
    let sections: Vec<&[Duty]> = all.duties.chunk_by(|a, b| a.section == b.section).collect();
    let columns = [text("Duty"), text("Whose"), text("How it is met"), text("What it asks, and what you see")];
    let row = |duty: &Duty| {
        vec![
            html! { span class="nowrap" { (duty.id) } " " (duty.title) },
            html! { (capital(&duty.party)) },
            html! { (duty.how) },
            html! {
                (duty.words)
                @if !duty.sees.is_empty() { span class="small quiet" { (duty.sees) } }
                @if let Some(missing) = &duty.missing { span class="small" { strong { "Not wholly on this host yet: " } (missing) } }
            },
        ]
    };
    html! {
        @for section in sections {
            @let rows: Vec<_> = section.iter().filter(meant).map(row).collect();
            @if let (false, Some(first)) = (rows.is_empty(), section.first()) {
                (card_flush(&first.section, &html! {}, &table(&first.section, &columns, rows)))
            }
        }
        @let outside: Vec<&Duty> = all.outside.iter().filter(meant).collect();
        @if !outside.is_empty() {
            (card("Outside of the boundary", &html! {}, &html! {
                p class="quiet" { "Named so that the picture is whole. The host claims nothing about it." }
                ul class="plain" { @for one in outside { li { strong { (one.title) } " (" (one.party) "): " (one.words) } } }
            }))
        }
    }
}

/// The form for stating that a duty is met.
pub(crate) async fn attest(visit: Visit, Path((tenant, id)): Path<(String, String)>) -> Shown {
    let all: Catalogue = visit.get("/duties").await?;
    let found = all.duties.into_iter().find(|duty| duty.id == id).unwrap_or_default();
    let body = if found.how == "attested" { asked(&visit, &tenant, &found) } else { not_asked(&found) };
    visit.show(Page {
        title: &format!("State that {id} is met"),
        lead: html! { (found.title) ", in " strong { (tenant) } "." },
        place: Place::Duties,
        above: vec![(HOME.into(), "Duties".into())],
        acts: html! {},
        body,
    })
}

fn not_asked(duty: &Duty) -> Markup {
    let how = if duty.how.is_empty() { "not in the catalogue" } else { &duty.how };
    card("Nobody's word makes it so", &html! {}, &html! { p { "It is " (how) ", and stands as the posture says." } })
}

fn asked(visit: &Visit, tenant: &str, duty: &Duty) -> Markup {
    let days = duty.days.unwrap_or_default().to_string();
    let action = format!("{HOME}/{}/{}/attest", escaped(tenant), escaped(&duty.id));
    card(
        "What is stated",
        &html! {},
        &form(
            &action,
            visit.token(),
            &html! {
                p { "The " (duty.by) " states " (duty.what) ". It stands with your name in the log, counts at most " (days) " days, and lapses by itself." }
                (Text { name: "statement", label: "In a sentence", hint: "What was done, when, and by whom: ten characters at least.", ..Text::default() }.show())
                (Text { name: "until", label: "Until", kind: "date", optional: true, hint: "As long as it may, where you leave it empty.", ..Text::default() }.show())
                div class="row" {
                    button type="submit" class="primary" { "State it" }
                    a class="button" href={ (HOME) "?tenant=" (escaped(tenant)) } { "Not now" }
                }
            },
        ),
    )
}

/// What the form holds.
#[derive(Deserialize)]
pub(crate) struct Stating {
    #[serde(default)]
    statement: String,
    #[serde(default)]
    until: String,
}

/// States it.
pub(crate) async fn attests(Path((tenant, id)): Path<(String, String)>, Sent(visit, sent): Sent<Stating>) -> Shown {
    let until = Some(sent.until).filter(|until| !until.is_empty());
    let body = json!({ "duty": id, "tenant": tenant, "statement": sent.statement, "until": until });
    visit.then(Ask::with(Method::POST, "/attestations", body), &format!("{HOME}?tenant={}", escaped(&tenant))).await
}

/// What the form for taking back holds.
#[derive(Deserialize)]
pub(crate) struct TakingBack {
    #[serde(default)]
    reason: String,
}

/// Takes it back.
pub(crate) async fn takes_back(Path(number): Path<u64>, Sent(visit, sent): Sent<TakingBack>) -> Shown {
    let path = format!("/attestations/{number}/withdraw");
    visit.then(Ask::with(Method::POST, path, json!({ "reason": sent.reason })), HOME).await
}
