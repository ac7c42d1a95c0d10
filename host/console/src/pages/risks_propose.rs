//! `/console/risks/propose`: asks somebody else to answer for a risk: a static token, or a host without TLS.

use axum::extract::Query;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{
    risks::HOME,
    tenants::{choice, meant},
    view::{Installation, Items},
};
use crate::{
    host::Ask,
    kit::{
        Tone, card,
        form::{form, select, why},
        notice,
    },
    shell::Page,
    strings::Place,
    visit::{Sent, Shown, Visit},
};

/// What is filled in already.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Begun {
    installation: String,
    name: String,
    tenant: String,
}

/// Asks.
pub(crate) async fn ask(visit: Visit, Query(begun): Query<Begun>) -> Shown {
    let found: Items<Installation> = visit.get("/installations?limit=200").await?;
    let there = found.items.iter().filter(|one| matches!(one.state.as_str(), "active" | "suspended"));
    let named: Vec<(String, String)> =
        there.map(|one| (one.id.clone(), format!("{} in {}", one.plugin, one.tenant))).collect();
    let options: Vec<(&str, &str)> = named.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
    let tenant = meant(&visit, &begun.tenant);
    let body = html! {
        (notice(Tone::Accent, "It has no effect before somebody else approves it", &html! {
            p { "Until then what the profiles refuse stays refused. When it lapses, the next request is refused." }
        }))
        div class="grid" {
            (card("A static token (INT-3)", &html! {}, &form(HOME, visit.token(), &html! {
                input type="hidden" name="of" value="connection";
                (select("installation", "Installation", &begun.installation, &options))
                (line("connection", "name", "Connection", "Its name, as the plugin's secrets are called.", &begun.name))
                (rest("token"))
                div { button type="submit" class="primary" { "Propose it" } }
            })))
            (card("A host without TLS (DAT-5)", &html! {}, &form(HOME, visit.token(), &html! {
                input type="hidden" name="of" value="host";
                (choice(&visit, &tenant))
                (line("host", "host", "Host", "One that the host's configuration lists as without TLS.", ""))
                (rest("host"))
                div { button type="submit" class="primary" { "Propose this" } }
            })))
        }
    };
    visit.show(Page {
        title: "Propose a risk",
        lead: html! { "For what cannot be done as a profile asks for it: why, and until when somebody answers for that." },
        place: Place::Risks,
        above: vec![(HOME.into(), "Accepted risks".into())],
        acts: html! {},
        body,
    })
}

fn line(id: &str, name: &str, label: &str, hint: &str, value: &str) -> Markup {
    let (id, about) = (format!("{id}-field"), format!("{id}-hint"));
    html! { div class="field" {
        label for=(id) { (label) }
        span class="hint" id=(about) { (hint) }
        input type="text" id=(id) name=(name) value=(value) required autocomplete="off" aria-describedby=(about);
    } }
}

fn rest(id: &str) -> Markup {
    let until = format!("{id}-until");
    html! {
        (why(&format!("{id}-why"), Some(10)))
        div class="field" {
            label for=(until) { "Until" }
            input type="date" id=(until) name="until" required;
        }
    }
}

/// What either form holds.
#[derive(Deserialize)]
pub(crate) struct Proposing {
    of: String,
    #[serde(default)]
    installation: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    host: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    until: String,
}

/// Proposes it.
pub(crate) async fn propose(Sent(visit, sent): Sent<Proposing>) -> Shown {
    let (duty, about) = match sent.of.as_str() {
        "host" => ("DAT-5", json!({ "of": "host", "tenant": sent.tenant, "host": sent.host })),
        _ => ("INT-3", json!({ "of": "connection", "installation": sent.installation, "name": sent.name })),
    };
    let body = json!({ "duty": duty, "about": about, "reason": sent.reason, "until": sent.until });
    visit.then(Ask::with(Method::POST, "/risks", body), HOME).await
}
