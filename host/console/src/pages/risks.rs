//! `/console/risks`: what somebody answers for by name, until a day; `/console/risks/{number}`: one of them, and what becomes of it.

use axum::extract::{Path, Query};
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    installation::at,
    tenants::{choice, meant},
    view::{Items, moment},
};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, card_flush, empty, facts,
        form::{Text, form},
        notice,
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Sent, Shown, Visit, escaped, with},
};

pub(crate) const HOME: &str = "/console/risks";
/// From how many days before its end a risk is worth a look.
const SOON: i64 = 14;

/// A risk that was proposed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Risk {
    standing: String,
    about: String,
    switches: String,
    days_left: Option<i64>,
    risk: Kept,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Kept {
    number: u64,
    duty: String,
    about: Value,
    reason: String,
    by: String,
    since: String,
    until: String,
    approved: Option<Approval>,
    ended: Option<Value>,
}

impl Kept {
    /// What it lets pass, for people.
    fn name(&self) -> String {
        let text = |of: &str, name: &str| self.about[of][name].as_str().unwrap_or_default().to_owned();
        match self.about.get("host") {
            Some(_) => format!("{} without TLS", text("host", "host")),
            None => format!("Static token '{}'", text("connection", "name")),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Approval {
    by: String,
    party: String,
    at: String,
}

/// Risks, and those that are kept with a token or in the configuration.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Risks {
    items: Vec<Risk>,
    next: Option<String>,
    elsewhere: Vec<Elsewhere>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Elsewhere {
    standing: String,
    duty: String,
    about: String,
    by: String,
    reason: String,
    until: String,
    days_left: Option<i64>,
}

/// Which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    tenant: String,
    cursor: String,
}

fn standing(word: &str) -> Markup {
    match word {
        "accepted" => badge(Tone::Accent, word),
        "proposed" => badge(Tone::Warn, word),
        _ => badge(Tone::Plain, word),
    }
}

/// Until when, and how soon that is.
fn end(until: &str, left: Option<i64>) -> Markup {
    html! {
        (moment(until)) " "
        @match left {
            Some(0) => { span class="small" { (badge(Tone::Warn, "lapses today")) } }
            Some(days) if days <= SOON => { span class="small" { (badge(Tone::Warn, &format!("lapses in {days} days"))) } }
            Some(days) => { span class="small quiet" { "lapses in " (days) " days" } }
            None => {}
        }
    }
}

/// Lists them.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let tenant = meant(&visit, &wanted.tenant);
    let asked = format!("/risks?limit=50{}{}", with("tenant", &tenant), with("cursor", &wanted.cursor));
    let found: Risks = visit.get(&asked).await?;
    let page = Items::<Value> { items: Vec::new(), next: found.next.clone() };
    let next = page.cursor().map(|cursor| format!("{HOME}?tenant={}&cursor={}", escaped(&tenant), escaped(&cursor)));
    let body = html! {
        @if visit.tenants().len() > 1 {
            form class="filters" method="get" action=(HOME) { (choice(&visit, &tenant)) button type="submit" { "Show" } }
        }
        (card_flush("Proposed and accepted", &html! {}, &html! {
            @if found.items.is_empty() {
                (empty("Nobody answers for any risk here", &html! { p { "What a profile refuses is refused. A risk can be accepted for a static token, and for a host without TLS." } }))
            } @else { (proposed(&found.items)) }
        }))
        (more(MORE, next.as_deref()))
        (elsewhere(&found.elsewhere))
    };
    visit.show(Page {
        title: "Accepted risks",
        lead: html! { "What somebody answers for by name, until a day. Each lapses by itself at the moment that it names." },
        place: Place::Risks,
        above: Vec::new(),
        acts: html! { a class="button" href={ (HOME) "/propose" } { "Propose a risk" } },
        body,
    })
}

fn proposed(all: &[Risk]) -> Markup {
    let rows = all.iter().map(|one| {
        let kept = &one.risk;
        let approved = kept.approved.as_ref().map(|approval| approval.by.clone());
        vec![
            html! { a href={ (HOME) "/" (kept.number) } { (kept.number) ". " (kept.name()) } span class="small quiet" { (one.about) } },
            standing(&one.standing),
            html! { span class="nowrap" { (kept.duty) } },
            html! { (kept.reason) },
            html! { (kept.by) @if let Some(by) = approved { span class="small quiet" { "approved by " (by) } } },
            end(&kept.until, one.days_left),
        ]
    });
    let columns = [text("Risk"), text("State"), text("Duty"), text("Why"), text("Who"), text("Until")];
    table("Risks, the newest first", &columns, rows.collect())
}

fn elsewhere(all: &[Elsewhere]) -> Markup {
    if all.is_empty() {
        return html! {};
    }
    let rows = all.iter().map(|one| {
        vec![
            html! { (one.about) },
            standing(&one.standing),
            html! { span class="nowrap" { (one.duty) } },
            html! { (one.reason) },
            html! { (one.by) },
            end(&one.until, one.days_left),
        ]
    });
    let columns = [text("Risk"), text("State"), text("Duty"), text("Why"), text("Who"), text("Until")];
    card_flush(
        "Kept with a token, or in the host's configuration",
        &html! {},
        &table("Risks that are kept elsewhere", &columns, rows.collect()),
    )
}

/// The risks of one installation, for its page; nothing where there is none.
pub(crate) async fn of_installation(visit: &Visit, id: &str) -> Markup {
    let asked = Ask::get(format!("/risks?limit=20&installation={}", escaped(id)));
    let found: Risks = visit.ask(asked).await.read().unwrap_or_default();
    let holds = |standing: &str| matches!(standing, "accepted" | "proposed" | "lapsed");
    let items: Vec<Risk> = found.items.into_iter().filter(|one| holds(&one.standing)).collect();
    html! {
        @if !items.is_empty() { (card_flush("Risks that somebody answers for", &html! {}, &proposed(&items))) }
        (elsewhere(&found.elsewhere))
    }
}

/// Shows one.
pub(crate) async fn one(visit: Visit, Path(number): Path<u64>) -> Shown {
    let one: Risk = visit.get(&format!("/risks/{number}")).await?;
    let kept = &one.risk;
    let installation = kept.about["connection"]["installation"].as_str();
    let body = html! {
        (card("What somebody answers for", &standing(&one.standing), &facts(&[
            ("What it lets pass", html! { (one.about) @if let Some(id) = installation { " · " a href=(at(id)) { "the installation" } } }),
            ("Exactly what it switches", html! { (one.switches) }),
            ("Why", html! { (kept.reason) }),
            ("Proposed", html! { "by " (kept.by) ", " (moment(&kept.since)) }),
            ("Approved", match &kept.approved {
                Some(approval) => html! { "by " (approval.by) " for the " (approval.party) ", " (moment(&approval.at)) },
                None => html! { span class="quiet" { "by nobody: it has no effect" } },
            }),
            ("Until", end(&kept.until, one.days_left)),
        ])))
        @if let Some(ended) = &kept.ended { (notice(Tone::Plain, "It is over", &html! { p { (over(ended)) } })) }
        @if matches!(one.standing.as_str(), "proposed" | "accepted") { div class="grid" { (acts(&one, visit.token())) } }
    };
    visit.show(Page {
        title: &format!("Risk {number}: {}", kept.name()),
        lead: html! { "Against " (kept.duty) ", until " (moment(&kept.until)) "." },
        place: Place::Risks,
        above: vec![(HOME.into(), "Accepted risks".into())],
        acts: html! {},
        body,
    })
}

fn over(ended: &Value) -> Markup {
    let text = |name: &str| ended["withdrawn"][name].as_str().unwrap_or_default().to_owned();
    match ended.get("withdrawn") {
        Some(_) => html! { "Taken back by " (text("by")) ", " (moment(&text("at"))) ": " (text("reason")) },
        None => html! { "Its time was over." },
    }
}

fn acts(one: &Risk, token: &str) -> Markup {
    let own = format!("{HOME}/{}", one.risk.number);
    html! {
        @if one.standing == "proposed" {
            (card("Approve it", &html! {}, &form(&format!("{own}/approve"), token, &html! {
                p { "From then on until its day, you answer for it. It takes your second factor, and it is somebody else's than who proposed it." }
                div { button type="submit" class="primary" { "Answer for it" } }
            })))
        }
        (card("Take it back", &html! {}, &form(&format!("{own}/withdraw"), token, &html! {
            p { "Its effect ends at once." }
            (Text { name: "reason", label: "Why", hint: "Stands in the log: ten characters at least.", ..Text::default() }.show())
            div { button type="submit" class="danger" { "Take it back" } }
        })))
    }
}

/// What a form about a risk holds.
#[derive(Deserialize)]
pub(crate) struct Act {
    #[serde(default)]
    reason: String,
}

/// Approves one.
pub(crate) async fn approve(Path(number): Path<u64>, Sent(visit, _): Sent<Act>) -> Shown {
    let ask = Ask::with(Method::POST, format!("/risks/{number}/approve"), json!({}));
    visit.then(ask, &format!("{HOME}/{number}")).await
}

/// Takes one back.
pub(crate) async fn withdraw(Path(number): Path<u64>, Sent(visit, sent): Sent<Act>) -> Shown {
    let ask = Ask::with(Method::POST, format!("/risks/{number}/withdraw"), json!({ "reason": sent.reason }));
    visit.then(ask, &format!("{HOME}/{number}")).await
}
