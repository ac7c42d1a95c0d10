//! `/console/incidents`: what is suspected or was contained; `/console/incidents/{id}`: one incident, its containment with one button,
//! who must be told by when, and what the log has of it (INC-1 to INC-4).

mod one;

use axum::extract::{Path, Query};
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::view::{Items, moment};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, empty,
        form::{Text, form, select, tick},
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Sent, Shown, Visit, escaped, to},
};

pub(crate) use one::one;

const HOME: &str = "/console/incidents";

#[derive(Default, Deserialize)]
#[serde(default)]
struct View {
    state: String,
    reaches: String,
    overdue: Vec<String>,
    took_ms: Option<u64>,
    reached: bool,
    filter: Option<String>,
    incident: Incident,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Incident {
    id: String,
    title: String,
    severity: String,
    origin: Value,
    personal_data: bool,
    opened: String,
    by: String,
    tell: Vec<Telling>,
    notes: Vec<Note>,
    containment: Option<Containment>,
    closed: Option<Closing>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Telling {
    key: String,
    whom: String,
    by: String,
    due: Option<String>,
    rule: String,
    tenants: Vec<String>,
    told: Vec<Told>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    by: String,
    at: String,
    to: String,
    tenant: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Note {
    by: String,
    at: String,
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Containment {
    at: String,
    by: String,
    log_index: u64,
    suspended: u64,
    already: u64,
    freezes: Vec<Value>,
    reach: Option<Reach>,
    through: Option<String>,
    lifted: Option<Note>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Reach {
    log_index: u64,
    calls_ended: u64,
    calls_left: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Closing {
    at: String,
    by: String,
    cause: String,
    prevention: String,
}

fn at(id: &str) -> String {
    format!("{HOME}/{}", escaped(id))
}

fn severity(name: &str) -> Markup {
    let tone = match name {
        "critical" | "high" => Tone::Bad,
        "medium" => Tone::Warn,
        _ => Tone::Plain,
    };
    badge(tone, name)
}

fn standing(one: &View) -> Markup {
    let tone = match one.state.as_str() {
        "closed" => Tone::Good,
        "contained" => Tone::Accent,
        _ => Tone::Bad,
    };
    badge(tone, &one.state)
}

/// Which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    closed: String,
    cursor: Option<String>,
}

/// Lists them.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let closed = if wanted.closed == "yes" { "&closed=true" } else { "" };
    let cursor = wanted.cursor.as_deref().map(|text| format!("&cursor={}", escaped(text))).unwrap_or_default();
    let found: Items<View> = visit.get(&format!("/incidents?limit=50{closed}{cursor}")).await?;
    let next =
        found.cursor().map(|cursor| format!("{HOME}?cursor={}&closed={}", escaped(&cursor), escaped(&wanted.closed)));
    let rows = found.items.iter().map(|one| {
        let late = one.overdue.len();
        vec![
            html! { a href=(at(&one.incident.id)) { (one.incident.title) } span class="small quiet" { (one.incident.id) } },
            severity(&one.incident.severity),
            standing(one),
            html! { (one.reaches) },
            moment(&one.incident.opened),
            html! { @if late > 0 { (badge(Tone::Bad, &format!("{late} overdue"))) } @else { "–" } },
        ]
    });
    let columns =
        [text("Incident"), text("Severity"), text("State"), text("About"), text("Opened"), text("Must be told")];
    let body = html! {
        form class="filters" method="get" action=(HOME) {
            (select("closed", "Which", &wanted.closed, &[("", "Not closed"), ("yes", "All")]))
            button type="submit" { "Show" }
        }
        section class="card flush" {
            @if found.items.is_empty() {
                (empty("No incident is open", &html! { p { "Open one as soon as there is a suspicion: times count from then." } }))
            } @else { (table("Incidents, the newest first", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
        (opening(visit.token(), &visit.only_tenant()))
    };
    visit.show(Page {
        title: "Incidents",
        lead: html! { "What is suspected, what was contained, and who must be told by when." },
        place: Place::Incidents,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}

fn severities(chosen: &str) -> Markup {
    let all = [("critical", "Critical"), ("high", "High"), ("medium", "Medium"), ("low", "Low")];
    select("severity", "Severity", chosen, &all)
}

fn opening(token: &str, tenant: &str) -> Markup {
    let kinds = [
        ("plugin", "A plugin"),
        ("installation", "An installation"),
        ("publisher", "A publisher"),
        ("provider", "A provider of credentials"),
    ];
    card(
        "Open an incident",
        &html! {},
        &form(
            HOME,
            token,
            &html! {
                (Text { name: "title", label: "What is suspected", hint: "In a few words", ..Text::default() }.show())
                (select("kind", "About", "plugin", &kinds))
                (Text { name: "which", label: "Which", hint: "Its id, such as com.example.sync", ..Text::default() }.show())
                (Text { name: "tenant", label: "Tenant", hint: "In this one alone", value: tenant, optional: true, ..Text::default() }.show())
                (severities("high"))
                (tick("personal", "no", false, &html! { "Personal data is not concerned" }))
                div { button type="submit" class="primary" { "Open" } }
            },
        ),
    )
}

/// What opens one, on the page of an alert.
pub(crate) fn of_alert(alert: &str, title: &str, token: &str) -> Markup {
    card(
        "Open an incident",
        &html! {},
        &form(
            HOME,
            token,
            &html! {
                p class="quiet" { "For what may be a breach: it is contained with one button, and who must be told by when is counted from now." }
                input type="hidden" name="alert" value=(alert);
                (Text { name: "title", label: "What is suspected", value: title, ..Text::default() }.show())
                div { button type="submit" { "Open an incident" } }
            },
        ),
    )
}

/// What a form to open one holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Opening {
    title: String,
    kind: String,
    which: String,
    tenant: String,
    severity: String,
    personal: String,
    alert: String,
}

/// Opens one, and leads to it.
pub(crate) async fn open(Sent(visit, sent): Sent<Opening>) -> Shown {
    let mut body = Map::new();
    let mut put = |name: &str, value: &str| {
        if !value.trim().is_empty() {
            body.insert(name.to_owned(), json!(value.trim()));
        }
    };
    put("title", &sent.title);
    put("severity", &sent.severity);
    put("tenant", &sent.tenant);
    put("alert", &sent.alert);
    if !sent.which.trim().is_empty() {
        put("about", &format!("{}:{}", sent.kind, sent.which.trim()));
    }
    body.insert("personal-data".to_owned(), json!(sent.personal != "no"));
    let answer = visit.ask(Ask::with(Method::POST, "/incidents", Value::Object(body))).await;
    match answer.read::<View>() {
        Ok(opened) => Ok(to(&at(&opened.incident.id))),
        Err(refused) => Err(visit.refused(&refused).into()),
    }
}

/// What a form about an incident holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Change {
    text: String,
    who: String,
    to: String,
    tenant: String,
    cause: String,
    prevention: String,
    untold: String,
    reason: String,
}

/// Changes one. What can be done to an incident is named by the path, and by nothing else.
pub(crate) async fn change(Path((id, what)): Path<(String, String)>, Sent(visit, sent): Sent<Change>) -> Shown {
    let body = match what.as_str() {
        "contain" => json!({}),
        "lift" => json!({ "reason": sent.reason }),
        "note" => json!({ "text": sent.text }),
        "told" if sent.tenant.is_empty() => json!({ "who": sent.who, "to": sent.to }),
        "told" => json!({ "who": sent.who, "to": sent.to, "tenant": sent.tenant }),
        _ if sent.untold.trim().is_empty() => json!({ "cause": sent.cause, "prevention": sent.prevention }),
        _ => json!({ "cause": sent.cause, "prevention": sent.prevention, "untold": sent.untold }),
    };
    let path = format!("/incidents/{}/{}", escaped(&id), escaped(&what));
    visit.then(Ask::with(Method::POST, path, body), &at(&id)).await
}
