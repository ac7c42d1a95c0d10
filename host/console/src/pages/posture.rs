//! `/console/posture`: how a tenant stands, profile by profile: what holds, what is open and whose move that is, and what somebody
//! answers for; each line with what it rests on.

use axum::extract::Query;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    tenants::{choice, meant},
    view::{moment, sentence},
};
use crate::{
    kit::{
        Tone, badge, card, card_flush, empty,
        form::select,
        table::{table, text},
        tile,
    },
    shell::Page,
    strings::Place,
    visit::{Shown, Visit, escaped, with},
};

pub(crate) const HOME: &str = "/console/posture";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Posture {
    tenant: String,
    at: String,
    counts: Counts,
    profiles: Vec<Section>,
    moves: Vec<Move>,
}

/// How many lines are in each state.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Counts {
    pub holds: u64,
    pub open: u64,
    pub accepted: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Section {
    profile: String,
    words: String,
    since: Option<String>,
    lines: Vec<Line>,
}

/// One line of a posture.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Line {
    key: String,
    duty: String,
    title: String,
    party: String,
    asks: String,
    state: String,
    moves: Vec<Move>,
    risks: Vec<Answered>,
    evidence: Vec<String>,
    entries: Vec<u64>,
}

/// A risk that somebody answers for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answered {
    about: String,
    by: String,
    until: String,
    reason: String,
}

impl Answered {
    /// In a line.
    pub(crate) fn words(&self) -> Markup {
        html! { (self.about) " until " (moment(&self.until)) ", by " (self.by) ": " (self.reason) }
    }
}

/// What somebody has to do.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Move {
    pub party: String,
    pub who: String,
    pub what: String,
    pub act: Option<String>,
    pub duties: Vec<String>,
}

/// A profile, and where it is on.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Profile {
    pub profile: String,
    pub words: String,
    pub always: bool,
    pub on: Vec<On>,
}

/// Where a profile is on.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct On {
    pub tenant: String,
    pub since: String,
    pub by: String,
    pub reason: String,
}

/// All profiles.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Profiles {
    pub items: Vec<Profile>,
}

/// Which tenant, and what of it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    tenant: String,
    profile: String,
}

/// Shows it.
pub(crate) async fn show(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let tenant = meant(&visit, &wanted.tenant);
    let asked = format!("{}{}", with("tenant", &tenant), with("profile", &wanted.profile));
    let found: Posture = visit.get(&format!("/posture?{}", asked.trim_start_matches('&'))).await?;
    let profiles: Profiles = visit.get(&format!("/profiles?tenant={}", escaped(&found.tenant))).await?;
    let on = profiles.items.iter().filter(|one| one.always || !one.on.is_empty());
    let options: Vec<(&str, &str)> = std::iter::once(("", "All that are on"))
        .chain(on.map(|one| (one.profile.as_str(), one.profile.as_str())))
        .collect();
    let count = |value: u64| value.to_string();
    let open = format!("/console/duties?tenant={}", escaped(&found.tenant));
    let risks = format!("/console/risks?tenant={}", escaped(&found.tenant));
    let paper = format!("/admin/v1/posture.html?tenant={}", escaped(&found.tenant));
    let body = html! {
        div class="tiles" {
            (tile("Hold", &count(found.counts.holds), "as they should be", None))
            (tile("Open", &count(found.counts.open), "somebody has to do something", Some(&open)))
            (tile("Accepted", &count(found.counts.accepted), "somebody answers for the risk", Some(&risks)))
        }
        (cards(&profiles.items, &found.tenant))
        (moves("Who has to do what", &found.moves, &found.tenant))
        form class="filters" method="get" action=(HOME) {
            (choice(&visit, &found.tenant))
            (select("profile", "Lines of", &wanted.profile, &options))
            button type="submit" { "Show" }
        }
        @for section in &found.profiles { (shown(section)) }
    };
    visit.show(Page {
        title: "Posture",
        lead: html! { "How " strong { (found.tenant) } " stands, computed " (moment(&found.at)) " from the log and live state." },
        place: Place::Posture,
        above: Vec::new(),
        acts: html! { a class="button" href=(paper) { "As a page to print" } },
        body,
    })
}

/// The profiles, each with whether it is on and what turning it would do.
fn cards(all: &[Profile], tenant: &str) -> Markup {
    html! { div class="grid thirds" { @for one in all.iter().filter(|one| !one.always) {
        @let on = one.on.first();
        (card(&one.profile, &match on { Some(_) => badge(Tone::Good, "on"), None => badge(Tone::Plain, "off") }, &html! {
            p { (one.words) }
            @if let Some(on) = on { p class="small quiet" { "Since " (moment(&on.since)) " by " (on.by) ": " (on.reason) } }
            p { a href={ (HOME) "/" (escaped(tenant)) "/" (escaped(&one.profile)) } {
                @if on.is_some() { "See what turning it off would do" } @else { "See what turning it on would do" }
            } }
        }))
    } } }
}

/// Who has to do what, by party and person.
pub(crate) fn moves(title: &str, all: &[Move], tenant: &str) -> Markup {
    if all.is_empty() {
        return card(title, &html! {}, &html! { p class="quiet" { "Nobody has to do anything." } });
    }
    let groups = all.chunk_by(|a, b| a.party == b.party && a.who == b.who);
    card(
        title,
        &badge(Tone::Plain, &all.len().to_string()),
        &html! { @for group in groups { @if let Some(first) = group.first() {
            div class="stack" {
                h3 { (capital(&first.party)) ": " (first.who) }
                ul class="plain moves" { @for one in group { li {
                    span { @for duty in &one.duties { (badge(Tone::Accent, duty)) " " } (sentence(&one.what)) }
                    (doing(one, tenant))
                } } }
            }
        } } },
    )
}

/// What there is to press, or the command.
fn doing(one: &Move, tenant: &str) -> Markup {
    let Some(act) = &one.act else { return html! {} };
    let attests = act.starts_with("portcullis duty attest ") && one.party == "subscriber";
    let answers = act.contains("portcullis risk ");
    html! {
        @if let (true, Some(duty)) = (attests, one.duties.first()) {
            a class="small" href={ "/console/duties/" (escaped(tenant)) "/" (escaped(duty)) } { "State that it is met" }
        } @else if answers {
            a class="small" href={ "/console/risks?tenant=" (escaped(tenant)) } { "Answer for the risk" }
        } @else { code class="small" { (act) } }
    }
}

fn shown(section: &Section) -> Markup {
    let aside = match &section.since {
        Some(since) => html! { span class="small quiet" { "on " (since) } },
        None => html! { span class="small quiet" { "always on" } },
    };
    // What somebody has to look at first; what holds is there to be unfolded.
    let (held, others): (Vec<&Line>, Vec<&Line>) = section.lines.iter().partition(|line| line.state == "holds");
    let body = html! {
        p class="lead inset" { (section.words) }
        @if section.lines.is_empty() { (empty("Nothing is asked for", &html! {})) }
        @if !others.is_empty() { (lines(&section.profile, &others)) }
        @if !held.is_empty() {
            details class="inset" {
                summary { strong { (held.len()) " hold" } }
                (lines(&format!("{} that hold", section.profile), &held))
            }
        }
    };
    card_flush(&section.profile, &aside, &body)
}

/// Lines, each with its state and what that rests on.
pub(crate) fn lines(of: &str, all: &[&Line]) -> Markup {
    let rows = all.iter().map(|line| {
        // What a setting asks for says more than its duty's title.
        let setting = line.key.matches('/').count() > 1;
        let (what, more) = if setting { (&line.asks, None) } else { (&line.title, Some(&line.asks)) };
        vec![
            html! { span class="nowrap" { (line.duty) } },
            standing(&line.state),
            html! { (what) @if let Some(more) = more { span class="small quiet" { (more) } } },
            html! { (capital(&line.party)) },
            rests(line),
        ]
    });
    let columns = [
        text("Duty"),
        text("State"),
        text("What is asked for"),
        text("Whose"),
        text("Whose move, and what it rests on"),
    ];
    table(&format!("Lines of {of}"), &columns, rows.collect())
}

/// A word about a state.
fn standing(state: &str) -> Markup {
    match state {
        "holds" => badge(Tone::Good, "holds"),
        "open" => badge(Tone::Warn, "open"),
        "accepted" => badge(Tone::Accent, "accepted"),
        other => badge(Tone::Plain, other),
    }
}

fn rests(line: &Line) -> Markup {
    html! {
        @for one in &line.moves { p class="small" { strong { (capital(&one.party)) } ": " (one.what) } }
        @for one in &line.risks { p class="small" { (one.words()) } }
        @if !line.evidence.is_empty() || !line.entries.is_empty() {
            details class="small" {
                summary { "What shows it" }
                @for one in &line.evidence { p class="quiet" { (one) } }
                @if !line.entries.is_empty() {
                    p { "Entries " @for (at, index) in line.entries.iter().enumerate() {
                        @if at > 0 { ", " } a href={ "/console/audit/" (index) } { (index) }
                    } }
                }
            }
        }
    }
}

/// A name with a capital letter.
pub(crate) fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}
