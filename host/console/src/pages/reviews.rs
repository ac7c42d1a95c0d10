//! `/console/reviews`: what was handed in and waits for reviewers; one of them with what is different from the release before in plain
//! words, what was said, and the verdicts (INT-8).

use std::collections::BTreeMap;

use axum::extract::{Path, Query};
use http::Method;
use maud::{Markup, html};
use portcullis_model::people::{Resource, actions::REVIEWS_CHANGE};
use serde::Deserialize;
use serde_json::json;

use super::{
    release::lines,
    view::{Items, moment},
};
use crate::{
    host::Ask,
    kit::{
        Mark, Tone, badge, card, card_flush, empty, facts,
        form::{Text, form, select},
        notice,
        table::{more, number, table, text},
        ticks,
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Sent, Shown, Visit, escaped},
};

const HOME: &str = "/console/reviews";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Review {
    plugin: String,
    publisher: String,
    version: String,
    number: u64,
    component: String,
    manifest: String,
    state: Option<String>,
    approvals: u64,
    needed: u64,
    last: Option<String>,
    fault: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    review: Review,
    notes: Vec<Note>,
    verdicts: Vec<Given>,
    reviewers: BTreeMap<String, String>,
    missing: Vec<String>,
    before: Option<Review>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Note {
    at: String,
    by: String,
    step: String,
    text: Option<String>,
    reason: Option<String>,
    owner: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Given {
    owner: String,
    verdict: Verdict,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Verdict {
    decision: String,
    at_most: Vec<String>,
    expires: String,
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Difference {
    words: String,
}

/// Which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    state: String,
    cursor: Option<String>,
}

fn release(one: &Review) -> String {
    format!("{}/{}", escaped(&one.component), escaped(&one.manifest))
}

fn standing(one: &Review) -> Markup {
    match one.state.as_deref() {
        Some("approved") => badge(Tone::Good, "approved"),
        Some("rejected") => badge(Tone::Bad, "rejected"),
        Some("expired") => badge(Tone::Warn, "to be vetted again"),
        Some("changes-requested") => badge(Tone::Warn, "changes wanted"),
        Some("in-review") => badge(Tone::Accent, "in review"),
        Some("submitted") => badge(Tone::Accent, "handed in"),
        Some(other) => badge(Tone::Plain, other),
        None => badge(Tone::Bad, "cannot be said"),
    }
}

/// Lists them.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let state = if wanted.state.is_empty() { String::new() } else { format!("&state={}", escaped(&wanted.state)) };
    let cursor = wanted.cursor.as_deref().map(|text| format!("&cursor={}", escaped(text))).unwrap_or_default();
    let found: Items<Review> = visit.get(&format!("/reviews?limit=50{state}{cursor}")).await?;
    let next = found.cursor().map(|cursor| format!("{HOME}?cursor={}{state}", escaped(&cursor)));
    let rows = found.items.iter().map(|one| {
        vec![
            html! { a href={ (HOME) "/" (release(one)) } { (one.plugin) " " (one.version) } span class="small quiet" { "of " (one.publisher) ", number " (one.number) } },
            html! { (standing(one)) @if let Some(fault) = &one.fault { span class="small quiet" { (fault) } } },
            html! { (one.approvals) " of " (one.needed) },
            html! { @if let Some(last) = &one.last { (moment(last)) } @else { "–" } },
        ]
    });
    let columns = [text("Release"), text("State"), number("Approved"), text("Last")];
    let states = [
        ("", "All"),
        ("submitted", "Handed in"),
        ("in-review", "In review"),
        ("changes-requested", "Changes wanted"),
        ("approved", "Approved"),
        ("rejected", "Rejected"),
        ("expired", "To be vetted again"),
        ("withdrawn", "Taken back"),
    ];
    let body = html! {
        form class="filters" method="get" action=(HOME) {
            (select("state", "State", &wanted.state, &states))
            button type="submit" { "Show" }
        }
        section class="card flush" {
            @if found.items.is_empty() { (empty("Nothing was handed in", &html! { p { "A publisher hands a release in with " code { "portcullis plugin submit" } "." } })) }
            @else { (table("Releases that were handed in, the latest first", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Reviews",
        lead: html! { "Releases that were handed in, and how they stand with their reviewers." },
        place: Place::Reviews,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}

/// Shows one.
pub(crate) async fn one(visit: Visit, Path((component, manifest)): Path<(String, String)>) -> Shown {
    let path = format!("{}/{}", escaped(&component), escaped(&manifest));
    let found: Detail = visit.get(&format!("/reviews/{path}")).await?;
    let one = &found.review;
    let different = match &found.before {
        None => html! { p class="quiet" { "No release before it was approved: everything in it is new." } },
        Some(before) => different(&visit, one, before).await,
    };
    let missing: Vec<Markup> = found.missing.iter().map(|words| html! { (words) }).collect();
    let body = html! {
        @if let Some(fault) = &one.fault { (notice(Tone::Bad, "Its state cannot be said", &html! { p { (fault) } })) }
        (card("How it stands", &standing(one), &facts(&[
            ("Plugin", html! { a href={ "/console/releases/" (release(one)) } { (one.plugin) " " (one.version) } }),
            ("Publisher", html! { (one.publisher) }),
            ("Approved", html! { (one.approvals) " of " (one.needed) " who must" }),
        ])))
        @if !missing.is_empty() { (card("What is missing", &html! {}, &ticks(Mark::Mind, &missing))) }
        (card("What is different", &html! {}, &different))
        @if visit.is_of_platform() || !found.verdicts.is_empty() {
            (card_flush("Verdicts", &html! {}, &verdicts(&found.verdicts)))
            (card("What was said and done", &html! {}, &said(&found.notes)))
        } @else {
            (card("Verdicts", &html! {}, &html! { p class="quiet" { "What the platform's reviewers say is for who looks after the platform." } }))
        }
        (working(&visit, &found).await)
    };
    visit.show(Page {
        title: &format!("Review of {} {}", one.plugin, one.version),
        lead: html! { "A verdict is signed with a reviewer's own key: " code { "portcullis review approve" } ", " code { "reject" } " or " code { "request-changes" } "." },
        place: Place::Reviews,
        above: vec![(HOME.to_owned(), "Reviews".to_owned())],
        acts: html! {},
        body,
    })
}

/// What can be said and done about it, for whoever may.
async fn working(visit: &Visit, found: &Detail) -> Markup {
    let one = &found.review;
    let on = Resource::of_platform("review").named(one.component.clone());
    let state = one.state.as_deref().unwrap_or("withdrawn");
    if state == "withdrawn" || !visit.may(&REVIEWS_CHANGE, &on).await {
        return html! {};
    }
    let (own, token) = (format!("{HOME}/{}", release(one)), visit.token());
    let reviewers: Vec<(&str, &str)> =
        found.reviewers.iter().map(|(key, owner)| (key.as_str(), owner.as_str())).collect();
    html! {
        div class="grid" {
            (card("Say something", &html! {}, &form(&format!("{own}/comments"), token, &html! {
                (Text { name: "text", label: "What", hint: "One line. Whoever sees this review reads it, with your name.", ..Text::default() }.show())
                div { button type="submit" { "Say it" } }
            })))
            @if state != "rejected" && !reviewers.is_empty() {
                (card("Have a reviewer look at it", &html! {}, &form(&format!("{own}/assign"), token, &html! {
                    (select("reviewer", "Who", "", &reviewers))
                    div { button type="submit" { "Assign" } }
                })))
            }
        }
    }
}

/// What is said or done, as the form has it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Change {
    text: String,
    reviewer: String,
}

/// Says or does something about one: what is named by the path, and by nothing else.
pub(crate) async fn change(
    Path((component, manifest, what)): Path<(String, String, String)>,
    Sent(visit, sent): Sent<Change>,
) -> Shown {
    let body = match what.as_str() {
        "comments" => json!({ "text": sent.text }),
        _ => json!({ "reviewer": sent.reviewer }),
    };
    let path = format!("{}/{}", escaped(&component), escaped(&manifest));
    let ask = Ask::with(Method::POST, format!("/reviews/{path}/{}", escaped(&what)), body);
    visit.then(ask, &format!("{HOME}/{path}")).await
}

/// What is different from the release before, in words, with a way to the comparison.
async fn different(visit: &Visit, one: &Review, before: &Review) -> Markup {
    let (component, manifest) = (escaped(&before.component), escaped(&before.manifest));
    let path = format!("/releases/{}/diff?component={component}&manifest={manifest}", release(one));
    let asked = visit.ask(Ask::get(path)).await;
    let page = format!("/console/releases/{}/diff/{component}/{manifest}", release(one));
    match asked.read::<Difference>() {
        Ok(found) => html! {
            p { "From " (before.version) ", which was approved. " a href=(page) { "Side by side" } }
            (lines(&found.words))
        },
        Err(refused) => html! { p { (refused.detail) } },
    }
}

fn verdicts(given: &[Given]) -> Markup {
    if given.is_empty() {
        return html! { div class="empty" { p { "No reviewer has decided yet." } } };
    }
    let rows = given.iter().map(|one| {
        let tone = match one.verdict.decision.as_str() {
            "approve" => Tone::Good,
            "reject" => Tone::Bad,
            _ => Tone::Warn,
        };
        let at_most = &one.verdict.at_most;
        vec![
            html! { (one.owner) },
            badge(tone, &one.verdict.decision.replace('-', " ")),
            html! { (one.verdict.reason) },
            html! { @if at_most.is_empty() { "–" } @else { ul class="plain mono small" { @for scope in at_most { li { (scope) } } } } },
            moment(&one.verdict.expires),
        ]
    });
    let columns = [text("Reviewer"), text("Decision"), text("Why"), text("At most"), text("Holds until")];
    table("What reviewers signed", &columns, rows.collect())
}

fn said(notes: &[Note]) -> Markup {
    html! { ol class="timeline" { @for note in notes { li {
        (moment(&note.at))
        div class="what" {
            (note.by) " " (did(&note.step)) @if let Some(owner) = &note.owner { " to " (owner) }
            @if let Some(words) = note.text.as_ref().or(note.reason.as_ref()) { p class="quiet" { (words) } }
        }
    } } } }
}

fn did(step: &str) -> &str {
    match step {
        "submitted" => "handed it in",
        "withdrawn" => "took it back",
        "assigned" => "gave it",
        "commented" => "said",
        "attached" => "attached a behaviour report",
        "waived" => "did without a behaviour report",
        other => other,
    }
}
