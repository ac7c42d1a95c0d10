//! `/console/alerts`: what somebody should look at; `/console/alerts/{id}`: one alert, the entries behind it, and what becomes of it
//! (MON-4).

use axum::extract::{Path, Query};
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    endpoints, installation, rules,
    view::{Items, moment},
};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, empty, facts,
        form::{Text, form, select, tick, why},
        notice,
        table::{more, number, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Sent, Shown, Visit, escaped},
};

const HOME: &str = "/console/alerts";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Alert {
    id: String,
    rule: String,
    title: String,
    severity: String,
    party: String,
    subject: String,
    tenant: Option<String>,
    installation: Option<String>,
    why: String,
    entries: Vec<u64>,
    first: String,
    last: String,
    count: u64,
    state: String,
    muted: Option<Mute>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Mute {
    until: String,
    by: Option<String>,
    reason: Option<String>,
    hidden: u64,
}

/// Which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    state: String,
    cursor: Option<String>,
}

fn at(id: &str) -> String {
    format!("{HOME}/{}", escaped(id))
}

/// How severe something is, in a word.
pub(crate) fn severity(name: &str) -> Markup {
    let tone = match name {
        "critical" | "high" => Tone::Bad,
        "medium" => Tone::Warn,
        _ => Tone::Plain,
    };
    badge(tone, name)
}

fn standing(one: &Alert) -> Markup {
    match one.state.as_str() {
        "closed" => badge(Tone::Good, "closed"),
        _ if one.muted.is_some() => badge(Tone::Plain, "muted"),
        "open" => badge(Tone::Warn, "open"),
        other => badge(Tone::Accent, other),
    }
}

/// Lists them.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let state = if wanted.state.is_empty() { String::new() } else { format!("&state={}", escaped(&wanted.state)) };
    let cursor = wanted.cursor.as_deref().map(|text| format!("&cursor={}", escaped(text))).unwrap_or_default();
    let found: Items<Alert> = visit.get(&format!("/alerts?limit=50{state}{cursor}")).await?;
    let next = found.cursor().map(|cursor| format!("{HOME}?cursor={}{state}", escaped(&cursor)));
    let rows = found.items.iter().map(|one| {
        vec![
            html! { a href=(at(&one.id)) { (one.title) } span class="small quiet" { (one.why) } },
            severity(&one.severity),
            standing(one),
            html! { (one.subject) span class="small quiet" { (one.tenant.as_deref().unwrap_or_default()) } },
            html! { (one.party) },
            moment(&one.last),
            html! { (one.count) },
        ]
    });
    let columns = [
        text("Alert"),
        text("Severity"),
        text("State"),
        text("About"),
        text("Who must act"),
        text("Last"),
        number("Hits"),
    ];
    let states =
        [("", "Not closed"), ("open", "Open"), ("acknowledged", "Acknowledged"), ("closed", "Closed"), ("all", "All")];
    let body = html! {
        form class="filters" method="get" action=(HOME) {
            (select("state", "State", &wanted.state, &states))
            button type="submit" { "Show" }
        }
        section class="card flush" {
            @if found.items.is_empty() {
                (empty("Nothing to look at", &html! { p { "A rule that finds something in the log raises an alert here." } }))
            } @else { (table("Alerts, the newest first", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "Alerts",
        lead: html! { "What the rules found in the log, who must act, and how soon." },
        place: Place::Alerts,
        above: Vec::new(),
        acts: html! {
            a class="button" href=(endpoints::HOME) { "Where they go" }
            a class="button" href=(rules::HOME) { "Rules" }
        },
        body,
    })
}

/// Shows one.
pub(crate) async fn one(visit: Visit, Path(id): Path<String>) -> Shown {
    let one: Alert = visit.get(&format!("/alerts/{}", escaped(&id))).await?;
    let installation = match &one.installation {
        Some(id) => html! { a href=(installation::at(id)) { (id) } },
        None => html! { "–" },
    };
    let entries = html! {
        ul class="plain row" { @for index in &one.entries { li { a href={ "/console/audit/" (index) } { (index) } } } }
    };
    let body = html! {
        @if let Some(mute) = &one.muted {
            (notice(Tone::Warn, "Muted", &html! {
                p { "Until " (moment(&mute.until)) " by " (mute.by.as_deref().unwrap_or("somebody who was erased")) ": "
                    (mute.reason.as_deref().unwrap_or("the reason was erased")) ". " (mute.hidden) " hits were hidden." }
            }))
        }
        (card("What was found", &html! { (severity(&one.severity)) " " (standing(&one)) }, &facts(&[
            ("Why", html! { (one.why) }),
            ("About", html! { (one.subject) }),
            ("Tenant", html! { (one.tenant.as_deref().unwrap_or("The host itself")) }),
            ("Installation", installation),
            ("Who must act", html! { (one.party) }),
            ("Rule", html! { a href=(rules::at(&one.rule)) { (one.rule) } }),
            ("Hits", html! { (one.count) ", from " (moment(&one.first)) " to " (moment(&one.last)) }),
            ("Entries behind it", entries),
        ])))
        @if one.state != "closed" { div class="grid" {
            (changes(&one, visit.token()))
            @if one.installation.is_some() { (super::incidents::of_alert(&one.id, &one.title, visit.token())) }
        } }
    };
    visit.show(Page {
        title: &one.title,
        lead: html! { (one.id) },
        place: Place::Alerts,
        above: vec![(HOME.into(), "Alerts".into())],
        acts: html! {},
        body,
    })
}

/// What can be done about it: each a form of its own, whose reason stands in the log.
fn changes(one: &Alert, token: &str) -> Markup {
    let own = at(&one.id);
    html! {
        @if one.state == "open" {
            (card("Take it up", &html! {}, &form(&format!("{own}/acknowledge"), token, &html! {
                div class="field" {
                    label for="comment" { "Comment" }
                    input type="text" id="comment" name="reason" maxlength="500" autocomplete="off";
                }
                div { button type="submit" class="primary" { "Acknowledge" } }
            })))
        }
        (card("Close it", &html! {}, &form(&format!("{own}/close"), token, &html! {
            (why("close-why", None))
            div { button type="submit" { "Close" } }
        })))
        @if one.muted.is_some() {
            (card("Let it speak again", &html! {}, &form(&format!("{own}/unmute"), token, &html! {
                (tick("whole", "yes", false, &html! { "The mute is of the whole tenant" }))
                div { button type="submit" { "Unmute" } }
            })))
        } @else {
            (card("Mute its rule", &html! {}, &form(&format!("{own}/mute"), token, &html! {
                (Text { name: "until", label: "Until", kind: "date", hint: "Then it is over by itself. What it hides is counted.", ..Text::default() }.show())
                (why("mute-why", None))
                (tick("whole", "yes", false, &html! { "In the whole tenant, not about this installation alone" }))
                div { button type="submit" { "Mute" } }
            })))
        }
    }
}

/// What a form about an alert holds.
#[derive(Deserialize)]
pub(crate) struct Change {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    whole: String,
}

/// Changes one. What can be done to an alert is named by the path, and by nothing else.
pub(crate) async fn change(Path((id, what)): Path<(String, String)>, Sent(visit, sent): Sent<Change>) -> Shown {
    let whole = sent.whole == "yes";
    let body: Value = match what.as_str() {
        "acknowledge" if sent.reason.trim().is_empty() => json!({}),
        "acknowledge" => json!({ "comment": sent.reason }),
        "mute" => json!({ "until": sent.until, "reason": sent.reason, "whole-tenant": whole }),
        "unmute" => json!({ "whole-tenant": whole }),
        _ => json!({ "reason": sent.reason }),
    };
    let path = format!("/alerts/{}/{}", escaped(&id), escaped(&what));
    visit.then(Ask::with(Method::POST, path, body), &at(&id)).await
}
