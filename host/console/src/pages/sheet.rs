//! `/console/installations/{id}/sheet`, and `/console/releases/{component}/{manifest}/sheet` before an install: a plugin's
//! responsibility sheet: whose terms, what it may do and what for, where data goes and
//! who handles it there, what is open, and who answers for what (INT-9, DAT-12).

use axum::extract::{Path, Query};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    installation::at,
    posture::{Answered, capital},
    tenants::{choice, meant},
    view::{moment, outside},
};
use crate::{
    kit::{
        Mark, Tone, badge, card, card_flush, facts, notice,
        table::{table, text},
        ticks,
    },
    shell::Page,
    strings::Place,
    visit::{Shown, Visit, escaped, with},
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Shape {
    sheet: Sheet,
    open: Vec<Open>,
    answers: Vec<Answers>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Sheet {
    at: String,
    tenant: String,
    installation: Option<String>,
    plugin: String,
    name: String,
    version: String,
    publisher: String,
    summary: String,
    terms: String,
    privacy: String,
    support: String,
    scopes: Vec<Scope>,
    classes: Vec<String>,
    destinations: Vec<Destination>,
    ai: Option<Ai>,
    retention: Option<String>,
    maintenance: Option<String>,
    risks: Vec<Answered>,
    vulnerabilities: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Scope {
    scope: String,
    words: Vec<String>,
    classes: Vec<String>,
    purpose: String,
    granted: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Destination {
    host: String,
    region: String,
    operator: String,
    sub_processor: bool,
    purpose: String,
    data: Vec<String>,
    refused: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Ai {
    provider: String,
    purpose: String,
    data: Vec<String>,
    trains: bool,
    medical_advice: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Open {
    party: String,
    what: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answers {
    party: String,
    duties: Vec<Titled>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Titled {
    id: String,
    title: String,
}

/// Shows it.
pub(crate) async fn show(visit: Visit, Path(id): Path<String>) -> Shown {
    let path = format!("/installations/{}/sheet", escaped(&id));
    let found: Shape = visit.get(&path).await?;
    let above = vec![("/console/installations".into(), "Installations".into()), (at(&id), found.sheet.plugin.clone())];
    shown(&visit, &found, (Place::Installations, above), &format!("/admin/v1{path}.html"))
}

/// Which tenant thinks about a release.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ForWhom {
    tenant: String,
}

/// Shows that of a release before it is installed.
pub(crate) async fn before(
    visit: Visit,
    Path((component, manifest)): Path<(String, String)>,
    Query(of): Query<ForWhom>,
) -> Shown {
    let tenant = meant(&visit, &of.tenant);
    let (which, query) = (format!("{}/{}", escaped(&component), escaped(&manifest)), with("tenant", &tenant));
    let query = query.trim_start_matches('&');
    let found: Shape = visit.get(&format!("/releases/{which}/sheet?{query}")).await?;
    let above = vec![
        ("/console/marketplace".into(), "Marketplace".into()),
        (format!("/console/releases/{which}"), found.sheet.name.clone()),
    ];
    shown(&visit, &found, (Place::Marketplace, above), &format!("/admin/v1/releases/{which}/sheet.html?{query}"))
}

fn shown(visit: &Visit, found: &Shape, (place, above): (Place, Vec<(String, String)>), paper: &str) -> Shown {
    let Shape { sheet, open, answers } = found;
    let body = html! {
        @if sheet.installation.is_none() && visit.tenants().len() > 1 {
            form class="filters" method="get" { (choice(visit, &sheet.tenant)) button type="submit" { "Show" } }
        }
        (card("Terms", &html! {}, &terms(sheet)))
        (still_open(open))
        (card_flush("What it may do", &html! {}, &scopes(&sheet.scopes, sheet.installation.is_some())))
        (destinations(&sheet.destinations))
        @if !sheet.risks.is_empty() {
            (card("Risks that somebody answers for", &html! {}, &html! { ul class="plain" { @for one in &sheet.risks { li { (one.words()) } } } }))
        }
        (who(answers))
    };
    visit.show(Page {
        title: &format!("{}: who answers for what", sheet.name),
        lead: html! { (sheet.summary) " " span class="nowrap" { "Made " (moment(&sheet.at)) } " for " strong { (sheet.tenant) } "." },
        place,
        above,
        acts: html! { a class="button" href=(paper) { "As a page to print" } },
        body,
    })
}

fn terms(sheet: &Sheet) -> Markup {
    let said = |value: &Option<String>, absent: &str| match value {
        Some(value) => html! { (value) },
        None => html! { span class="quiet" { (absent) } },
    };
    let holes = match sheet.vulnerabilities {
        None => html! { span class="quiet" { "nobody looks: the host has no file of them" } },
        Some(0) => html! { "none" },
        Some(count) => badge(Tone::Bad, &count.to_string()),
    };
    facts(&[
        ("Publisher", html! { (sheet.publisher) }),
        ("Version", html! { (sheet.version) }),
        ("Terms", outside(&sheet.terms, &sheet.terms)),
        ("Privacy policy", outside(&sheet.privacy, &sheet.privacy)),
        ("Help", outside(&sheet.support, &sheet.support)),
        ("Classes of data", html! { @if sheet.classes.is_empty() { "none" } @else { (sheet.classes.join(", ")) } }),
        ("Kept", said(&sheet.retention, "Its publisher does not say")),
        ("Upkeep", said(&sheet.maintenance, "Its publisher promises nothing")),
        ("Legal basis, impact", html! { "Not on record here; see the privacy policy" }),
        ("Generative AI", html! { (ai(sheet.ai.as_ref())) }),
        ("Known vulnerabilities", holes),
    ])
}

fn ai(ai: Option<&Ai>) -> Markup {
    let Some(ai) = ai else { return html! { "None, as its publisher says" } };
    html! {
        (ai.provider) " for " (ai.purpose) "; it is given " (ai.data.join(", "))
        @if ai.trains { " " (badge(Tone::Bad, "a model is trained with that")) }
        @if ai.medical_advice { " " (badge(Tone::Bad, "its answers can be medical advice")) }
    }
}

fn still_open(all: &[Open]) -> Markup {
    if all.is_empty() {
        return notice(Tone::Good, "Nothing is open", &html! {});
    }
    let sentences: Vec<Markup> =
        all.iter().map(|one| html! { strong { (capital(&one.party)) } ": " (one.what) }).collect();
    card("Open", &badge(Tone::Warn, &all.len().to_string()), &ticks(Mark::Mind, &sentences))
}

/// Whether a scope is granted is a question where it is installed.
fn scopes(all: &[Scope], installed: bool) -> Markup {
    let rows = all.iter().map(|one| {
        let mut row = vec![
            html! { (one.words.join("; ")) span class="small" { code { (one.scope) } } },
            if one.granted { badge(Tone::Good, "granted") } else { badge(Tone::Plain, "not granted") },
            html! { (one.purpose) },
            html! { (one.classes.join(", ")) },
        ];
        if !installed {
            row.remove(1);
        }
        row
    });
    let mut columns = vec![text("What"), text("Granted"), text("What for"), text("Data")];
    if !installed {
        columns.remove(1);
    }
    table("What it may do", &columns, rows.collect())
}

fn destinations(all: &[Destination]) -> Markup {
    if all.is_empty() {
        let words = html! { p { "Its publisher names no destination outside of this host." } };
        return notice(Tone::Good, "Data stays here", &words);
    }
    let rows = all.iter().map(|one| {
        vec![
            html! { code { (one.host) } @if one.refused { " " (badge(Tone::Bad, "refused by the tenant's regions")) } },
            badge(Tone::Accent, &one.region),
            html! { (one.operator) @if one.sub_processor { " " (badge(Tone::Plain, "sub-processor")) } },
            html! { (one.purpose) },
            html! { (one.data.join(", ")) },
        ]
    });
    let columns = [text("Destination"), text("Region"), text("Run by"), text("What for"), text("Data")];
    card_flush("Where data goes", &html! {}, &table("Destinations and regions", &columns, rows.collect()))
}

fn who(all: &[Answers]) -> Markup {
    html! {
        h2 { "Who answers for what" }
        div class="grid thirds" { @for one in all {
            (card(&capital(&one.party), &html! {}, &html! {
                ul class="plain" { @for duty in &one.duties { li { (badge(Tone::Accent, &duty.id)) " " (duty.title) } } }
            }))
        } }
    }
}
