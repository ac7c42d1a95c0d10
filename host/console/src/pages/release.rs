//! `/console/releases/{component}/{manifest}`: what a release can do and cannot, who answers for what, and where data goes (INT-9).

use axum::extract::Path;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    marketplace::{link, releases},
    view::{Egress, Items, Plan, PlannedScope, Release, outside, risk, sentence},
};
use crate::{
    kit::{
        Mark, Tone, badge, card, card_flush, facts, notice,
        table::{table, text},
        ticks,
    },
    shell::Page,
    strings::Place,
    visit::{Shown, Visit, escaped},
};

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Detail {
    plugin: String,
    name: String,
    component: String,
    manifest: String,
    version: String,
    cannot: Vec<String>,
    notes: Vec<String>,
    plan: Plan,
}

/// Shows one.
pub(crate) async fn show(visit: Visit, Path((component, manifest)): Path<(String, String)>) -> Shown {
    let path = format!("/releases/{}/{}", escaped(&component), escaped(&manifest));
    let found: Detail = visit.get(&path).await?;
    let all: Items<Release> = visit.get(&format!("/releases?limit=50&plugin={}", escaped(&found.plugin))).await?;
    let older = all.items.iter().position(|one| one.component == found.component && one.manifest == found.manifest);
    let older = older.and_then(|at| all.items.get(at + 1));
    let install =
        format!("/console/install?component={}&manifest={}", escaped(&found.component), escaped(&found.manifest));
    visit.show(Page {
        title: &found.name,
        lead: html! { "By " strong { (found.plan.publisher) } " · version " (found.version) " · " code { (found.plugin) } },
        place: Place::Marketplace,
        above: vec![("/console/marketplace".into(), "Marketplace".into())],
        acts: html! {
            @if let Some(older) = older {
                a class="button" href={ (link(&this(&found))) "/diff/" (older.component) "/" (older.manifest) } { "Compare with " (older.version) }
            }
            a class="button" href={ (link(&this(&found))) "/sheet" } { "Responsibility sheet" }
            a class="button primary" href=(install) { "Install" }
        },
        body: html! {
            p { (found.plan.summary) }
            (card_flush("What it asks for", &overall(&found.plan), &scopes(&found.plan.scopes)))
            div class="grid" {
                (card("What it can do", &html! {}, &ticks(Mark::Yes, &can(&found.plan))))
                (card("What it cannot do, whatever you grant", &html! {}, &ticks(Mark::No, &sentences(&found.cannot))))
            }
            @if !found.notes.is_empty() { (card("What a careful reader should know", &html! {}, &ticks(Mark::Mind, &sentences(&found.notes)))) }
            (destinations(&found.plan.egress))
            (card("Who answers for what", &html! {}, &answers(&found.plan)))
            (releases(&all.items, &this(&found)))
        },
    })
}

fn this(found: &Detail) -> Release {
    Release { component: found.component.clone(), manifest: found.manifest.clone(), ..Release::default() }
}

fn overall(plan: &Plan) -> Markup {
    html! { @if let Some(all) = &plan.risk { (risk(all)) } }
}

/// Clauses as sentences.
pub(crate) fn sentences(clauses: &[String]) -> Vec<Markup> {
    clauses.iter().map(|clause| html! { (sentence(clause)) }).collect()
}

fn can(plan: &Plan) -> Vec<Markup> {
    plan.scopes.iter().flat_map(|scope| scope.words.iter()).map(|words| html! { (sentence(words)) }).collect()
}

/// Scopes, each with its reason.
pub(crate) fn scopes(all: &[PlannedScope]) -> Markup {
    let rows = all.iter().map(|one| {
        vec![
            html! { code { (one.scope) } },
            html! { @for words in &one.words { span { (sentence(words)) " " } } },
            risk(&one.risk),
            html! { (one.purpose) @if one.optional { " " (badge(Tone::Plain, "optional")) } },
            html! { @for class in &one.classes { (badge(if class == "personal" { Tone::Warn } else { Tone::Plain }, class)) " " } },
        ]
    });
    let columns =
        [text("Scope"), text("In plain words"), text("Risk"), text("What the publisher wants it for"), text("Data")];
    table("Scopes, with their risk and purpose", &columns, rows.collect())
}

/// Where data goes: destinations and regions (DAT-7).
pub(crate) fn destinations(all: &[Egress]) -> Markup {
    if all.is_empty() {
        let words = html! { p { "Its publisher names no destination outside of this host." } };
        return notice(Tone::Good, "Data stays here", &words);
    }
    let rows = all.iter().map(|one| {
        vec![
            html! { code { (one.host) } },
            badge(Tone::Accent, &one.region),
            html! { (one.operator) @if one.sub_processor { " " (badge(Tone::Plain, "sub-processor")) } },
            html! { (one.purpose) },
            html! { (one.data.join(", ")) },
        ]
    });
    let columns = [text("Destination"), text("Region"), text("Run by"), text("What for"), text("Data")];
    card_flush("Where data goes", &html! {}, &table("Destinations and regions", &columns, rows.collect()))
}

fn answers(plan: &Plan) -> Markup {
    let upkeep = match &plan.maintenance {
        Some(promise) => {
            html! { "Promised until " (promise.until) ". Report a hole: " (outside(&promise.contact, &promise.contact)) }
        }
        None => html! { span class="quiet" { "The publisher promises nothing" } },
    };
    let ai = match &plan.ai {
        Some(ai) => {
            html! { (ai.provider) ": " (ai.purpose) @if ai.trains { " " (badge(Tone::Bad, "trains with your data")) } }
        }
        None => html! { "It says that it uses none" },
    };
    facts(&[
        ("Patches and upkeep (developer)", upkeep),
        (
            "Whose data, and who may see it (you)",
            html! { "You decide what to grant, and can take it back at any time" },
        ),
        ("The wall, tokens and the log (platform)", html! { "Enforced by this host, and on record" }),
        ("Generative AI", ai),
        ("Terms", outside(&plan.terms, "Terms of the publisher")),
        ("Privacy", outside(&plan.privacy, "What it does with personal data")),
        ("Help", outside(&plan.support, "Support")),
    ])
}

#[derive(Deserialize)]
struct Difference {
    words: String,
}

/// Compares one with an older one.
pub(crate) async fn compare(visit: Visit, Path(all): Path<(String, String, String, String)>) -> Shown {
    let (component, manifest, old, old_manifest) = all;
    let path = format!("/releases/{}/{}", escaped(&component), escaped(&manifest));
    let query = format!("component={}&manifest={}", escaped(&old), escaped(&old_manifest));
    let found: Detail = visit.get(&path).await?;
    let difference: Difference = visit.get(&format!("{path}/diff?{query}")).await?;
    let title = format!("What is different in {}", found.version);
    visit.show(Page {
        title: &title,
        lead: html! { "What is wider comes first. Scopes are compared by what they allow, not by their text." },
        place: Place::Marketplace,
        above: vec![("/console/marketplace".into(), "Marketplace".into()), (link(&this(&found)), found.name.clone())],
        acts: html! {},
        body: card("Changes", &html! {}, &lines(&difference.words)),
    })
}

/// Lines of which those that add or widen begin with `+`, and those that take away with `-`.
pub(crate) fn lines(words: &str) -> Markup {
    html! { pre tabindex="0" { @for line in words.lines() {
        @let trimmed = line.trim_start();
        span class=(if trimmed.starts_with('+') { "added" } else if trimmed.starts_with('-') { "taken" } else { "" }) { (line) "\n" }
    } } }
}
