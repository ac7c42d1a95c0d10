//! `/console/clients`: OAuth clients of installations, the parts of plugins outside of the sandbox that ask this host for tokens: how each
//! stands, what its tokens are for, and their end (INT-1, INT-2); and what waits there for an admin to agree to.
//!
//! Invariants: no token is on any page; what ends something is shown before it is done.

mod one;
mod waiting;

use std::sync::Arc;

use axum::{
    Router,
    extract::Query,
    routing::{get, post},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    installation,
    tenants::{alone, filter},
    view::{Items, moment},
};
use crate::{
    host::Host,
    kit::{
        Tone, badge, empty,
        table::{more, number, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Shown, Visit, escaped, with},
};

const HOME: &str = "/console/clients";

/// The routes of all of this.
pub(crate) fn routes() -> Router<Arc<dyn Host>> {
    let one = "/console/clients/{id}";
    Router::new()
        .route(HOME, get(list))
        .route(one, get(one::show))
        .route(&format!("{one}/end-tokens"), post(one::ends_tokens))
        .route(&format!("{one}/revoke"), post(one::revokes))
        .route(&format!("{HOME}/_waiting/{{code}}"), get(waiting::show))
        .route(&format!("{HOME}/_waiting/{{code}}/approve"), post(waiting::approves))
        .route(&format!("{HOME}/_waiting/{{code}}/deny"), post(waiting::denies))
}

/// The page of a tenant's.
pub(crate) fn of_tenant(tenant: &str) -> String {
    format!("{HOME}?tenant={}", escaped(tenant))
}

/// The page of one.
pub(crate) fn at(id: &str) -> String {
    format!("{HOME}/{}", escaped(id))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Client {
    id: String,
    name: String,
    tenant: String,
    installation: String,
    plugin: String,
    authentication: String,
    keys: Vec<Key>,
    redirects: Vec<String>,
    created: String,
    ended_until: Option<String>,
    revoked: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Key {
    thumbprint: String,
    since: String,
    state: String,
    until: Option<String>,
}

/// How it stands, in a word.
fn standing(one: &Client) -> Markup {
    match &one.revoked {
        Some(at) => html! { (badge(Tone::Plain, "revoked")) span class="small quiet" { (moment(at)) } },
        None => badge(Tone::Good, "registered"),
    }
}

fn proves(authentication: &str) -> &str {
    match authentication {
        "private-key-jwt" => "by assertions that its key signs",
        "dpop" => "by a proof of its key with each request",
        other => other,
    }
}

/// Which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    tenant: String,
    cursor: String,
}

/// Lists them.
async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let of = with("tenant", &wanted.tenant);
    let found: Items<Client> = visit.get(&format!("/clients?limit=100{of}{}", with("cursor", &wanted.cursor))).await?;
    let next = found.cursor().map(|cursor| format!("{HOME}?cursor={}{of}", escaped(&cursor)));
    let rows = found.items.iter().map(|one| {
        vec![
            html! { a href=(at(&one.id)) { (one.plugin) } span class="small quiet" { (one.id) } },
            html! { a href=(installation::at(&one.installation)) { (one.installation) } span class="small quiet" { (one.tenant) } },
            standing(one),
            html! { (proves(&one.authentication)) },
            html! { (one.keys.len()) },
        ]
    });
    let waiting = waiting::part(&visit, &wanted.tenant).await;
    let columns = [text("Client"), text("Installation"), text("State"), text("Proves itself"), number("Keys")];
    let body = html! {
        (tenants(&visit, &wanted.tenant))
        (waiting)
        section class="card flush" {
            @if found.items.is_empty() {
                (empty("No installation has a client", &html! { p { "One is registered with " code { "portcullis client register" } ", by a key of its own: there is no password." } }))
            } @else { (table("OAuth clients of installations", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
    };
    visit.show(Page {
        title: "OAuth clients",
        lead: html! { "Parts of plugins outside of the sandbox that ask this host for tokens. Each acts for one installation, and for no more than it is granted." },
        place: Place::Clients,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}

/// The filter by tenant, where there are several.
fn tenants(visit: &Visit, chosen: &str) -> Markup {
    html! {
        @if visit.tenants().len() > 1 {
            form class="filters" method="get" { (filter(visit, chosen)) button type="submit" { "Show" } }
        }
        (alone(visit, chosen, HOME))
    }
}
