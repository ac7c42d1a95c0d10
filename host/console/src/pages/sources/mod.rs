//! `/console/sources`: who sends webhooks into a tenant, and how their secrets stand; and a new one, tried out first (INT-8).
//!
//! Invariants: a secret that the host made is on one page, once; one that its sender chose is sent on, and written into no page.

mod one;

use std::sync::Arc;

use axum::{
    Router,
    extract::Query,
    routing::{get, post},
};
use http::Method;
use maud::{Markup, html};
use portcullis_model::{
    id::TenantId,
    people::{Resource, actions::SOURCES_CHANGE},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    change::{Lies, Once, Rehearsal, hidden, would},
    tenants::{choice, meant},
    view::{Items, moment},
};
use crate::{
    host::{Ask, Host},
    kit::{
        Tone, badge, card, empty,
        form::{Text, form, select},
        table::{more, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Sent, Shown, Visit, escaped, to},
};

const HOME: &str = "/console/sources";
/// In how many tenants it is asked whether somebody may add one: each is a decision of its own.
const MOST_ASKED: usize = 20;
/// No source is called so: a name has no underscore.
const ADD: &str = "/console/sources/_add";
const FORMS: [(&str, &str); 3] =
    [("zendesk", "Zendesk webhooks"), ("github", "GitHub webhooks"), ("cloud-events", "CloudEvents in JSON")];

/// The routes of all of this.
pub(crate) fn routes() -> Router<Arc<dyn Host>> {
    let one = "/console/sources/{name}";
    Router::new()
        .route(HOME, get(list))
        .route(ADD, post(adds))
        .route(one, get(one::show))
        .route(&format!("{one}/rotate"), post(one::rotates))
        .route(&format!("{one}/remove"), post(one::removes))
}

/// The page of one.
pub(crate) fn at(name: &str) -> String {
    format!("{HOME}/{}", escaped(name))
}

fn lies(one: Option<&str>) -> Lies {
    let above = std::iter::once((HOME.to_owned(), "Sources".to_owned()));
    (Place::Sources, above.chain(one.map(|name| (at(name), name.to_owned()))).collect())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Source {
    name: String,
    tenant: String,
    form: String,
    path: String,
    generation: u64,
    issued: Option<String>,
    both_until: Option<String>,
    revoked: Option<String>,
}

/// A source that was registered or given another secret, or would be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Made {
    source: Source,
    secret: Option<String>,
}

/// What it sends, in words.
fn sends(form: &str) -> &str {
    FORMS.iter().find(|(name, _)| *name == form).map_or(form, |(_, words)| words)
}

/// How often its secret was replaced.
fn replaced(one: &Source) -> String {
    match one.generation {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        many => format!("{many} times"),
    }
}

/// How its secret stands.
fn standing(one: &Source) -> Markup {
    match (&one.revoked, &one.both_until) {
        (Some(since), _) => {
            html! { (badge(Tone::Bad, "revoked")) span class="small quiet" { "since " (moment(since)) } }
        }
        (None, Some(until)) => {
            html! { (badge(Tone::Accent, "two are good")) span class="small quiet" { "the one before until " (moment(until)) } }
        }
        (None, None) => badge(Tone::Good, "in use"),
    }
}

/// What somebody asks for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct New {
    tenant: String,
    name: String,
    form: String,
    secret: String,
    step: String,
}

/// Which page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    cursor: Option<String>,
}

/// Lists them.
async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    shown(&visit, wanted.cursor.as_deref(), &New::default(), &html! {}).await
}

async fn shown(visit: &Visit, cursor: Option<&str>, filled: &New, said: &Markup) -> Shown {
    let cursor = cursor.map(|text| format!("&cursor={}", escaped(text))).unwrap_or_default();
    let found: Items<Source> = visit.get(&format!("/sources?limit=100{cursor}")).await?;
    let next = found.cursor().map(|cursor| format!("{HOME}?cursor={}", escaped(&cursor)));
    let may = may_add(visit, &meant(visit, &filled.tenant)).await;
    let rows = found.items.iter().map(|one| {
        vec![
            html! { a href=(at(&one.name)) { (one.name) } span class="small quiet" { (one.tenant) } },
            html! { (sends(&one.form)) },
            html! { code { (one.path) } },
            standing(one),
            html! { @if let Some(since) = &one.issued { (moment(since)) } @else { "–" } },
        ]
    });
    let columns = [text("Source"), text("Sends"), text("To, on this host"), text("Secret"), text("Since")];
    let body = html! {
        (said)
        section class="card flush" {
            @if found.items.is_empty() { (empty("Nobody sends events here", &html! { p { "A source is a help desk or another service whose webhooks this host takes." } })) }
            @else { (table("Sources of events", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
        @if may { (card("Register a source", &html! {}, &adding(visit, filled))) }
    };
    visit.show(Page {
        title: "Sources",
        lead: html! { "Who sends webhooks, into which tenant, and how their secrets stand. What is not signed with one of them is refused." },
        place: Place::Sources,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}

/// Whether there is anywhere that this person may add one to: the platform, the tenant that is meant, or one of their first.
async fn may_add(visit: &Visit, meant: &str) -> bool {
    if visit.is_of_platform() && visit.may(&SOURCES_CHANGE, &Resource::of_platform("source")).await {
        return true;
    }
    let tenants = visit.tenants();
    let others = tenants.iter().map(String::as_str).filter(|one| *one != meant);
    let asked: Vec<TenantId> =
        std::iter::once(meant).chain(others).filter_map(|one| one.parse().ok()).take(MOST_ASKED).collect();
    for tenant in asked {
        if visit.may(&SOURCES_CHANGE, &Resource::of(tenant, "source")).await {
            return true;
        }
    }
    false
}

fn adding(visit: &Visit, filled: &New) -> Markup {
    let tenant = meant(visit, &filled.tenant);
    let anywhere = Text { name: "tenant", label: "Tenant", value: &tenant, ..Text::default() };
    let name = Text {
        name: "name",
        label: "Name",
        value: &filled.name,
        hint: "1 to 63 of a-z, 0-9 and '-'. No other source of the host has it.",
        ..Text::default()
    };
    let body = html! {
        div class="grid" {
            @if visit.tenants().is_empty() { (anywhere.show()) } @else { (choice(visit, &tenant)) }
            (name.show())
            (select("form", "What it sends", &filled.form, &FORMS))
        }
        div { button type="submit" class="primary" { "Show what it would be" } }
    };
    form(ADD, visit.token(), &body)
}

/// The field for a secret that its sender chose; none where the sender cannot choose one.
async fn secret_field(visit: &Visit, form: &str) -> Markup {
    if form == "cloud-events" && !visit.may(&SOURCES_CHANGE, &Resource::of_platform("source")).await {
        return html! { p { "The host makes its token, and shows it once." } };
    }
    let hint = "Where its sender has one already: 8 to 512 bytes, of which a blank is one. Empty: the host makes one, and shows it once.";
    Text { name: "secret", label: "Secret", kind: "password", optional: true, hint, ..Text::default() }.show()
}

/// A secret as the API takes it: none where nobody chose one. A blank belongs to it: signatures fit no other.
fn chosen(secret: &str) -> Option<&str> {
    Some(secret).filter(|secret| !secret.is_empty())
}

/// Shows what a source would be, or registers it.
async fn adds(Sent(visit, sent): Sent<New>) -> Shown {
    let does = sent.step == "do";
    let rehearsal = if does { "" } else { "&dry_run=true" };
    let path = format!("/sources?tenant={}{rehearsal}", escaped(&sent.tenant));
    let mut body = json!({ "name": sent.name.trim(), "form": sent.form });
    if let Some(secret) = chosen(&sent.secret) {
        body["secret"] = secret.into();
    }
    let made: Made = match visit.ask(Ask::with(Method::POST, path, body)).await.read() {
        Ok(made) => made,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, None, &sent, &said).await;
        }
    };
    if does {
        return registered(&visit, &made, &format!("The secret of {}", made.source.name));
    }
    let one = &made.source;
    let said = [
        ("Name", html! { (one.name) }),
        ("Events go into", html! { (one.tenant) }),
        ("Sends", html! { (sends(&one.form)) }),
        ("To, on this host", html! { code { (one.path) } }),
    ];
    let rehearsal = Rehearsal {
        lies: lies(None),
        would: would("A new source", &said),
        action: ADD,
        sends: html! {
            (hidden(&[("tenant", &one.tenant), ("name", &one.name), ("form", &one.form)]))
            (secret_field(&visit, &one.form).await)
        },
        does: "Register it",
        takes: false,
        back: HOME,
    };
    rehearsal.show(&visit)
}

/// Shows a secret that the host made; where its sender chose it, the source.
fn registered(visit: &Visit, made: &Made, title: &str) -> Shown {
    let one = &made.source;
    let Some(secret) = &made.secret else { return Ok(to(&at(&one.name))) };
    let once = Once {
        lies: lies(Some(&one.name)),
        title,
        name: "Secret",
        value: secret,
        says: html! { p { "Give it to whoever sends, who posts to " code { (one.path) } " on this host." } },
        next: (&at(&one.name), "To the source"),
    };
    once.show(visit)
}
