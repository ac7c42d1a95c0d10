//! `/console/people/{place}/automation`: programs of a tenant's own that use the admin API: by a key of their own, never a password (ACC-3).
//!
//! Invariant: no private key is asked for; whoever pastes one in is told so, and it is stored nowhere.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{above, api, at, roles_at};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, empty,
        form::{Text, form, press, select, tick},
        table::{table, text},
    },
    pages::view::{Items, moment},
    shell::Page,
    strings::Place,
    visit::{Sent, Shown, Visit, escaped, to},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Automation {
    client: String,
    name: String,
    role: String,
    privileged: bool,
    networks: Vec<String>,
    by: String,
    until: String,
    holds: bool,
    keys: Vec<Key>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Key {
    thumbprint: String,
    until: Option<String>,
}

fn own(place: &str) -> String {
    format!("{}/automation", at(place))
}

/// Lists it.
pub(crate) async fn list(visit: Visit, Path(place): Path<String>) -> Shown {
    shown(&visit, &place, &New::default(), &html! {}).await
}

async fn shown(visit: &Visit, place: &str, filled: &New, said: &Markup) -> Shown {
    let found: Items<Automation> = visit.get(&api("/automation", place, "&limit=200")).await?;
    let roles = roles_at(visit, place).await;
    let rows = found.items.iter().map(|one| row(place, one, visit.token()));
    let columns = [text("Program"), text("Acts as"), text("From"), text("Until"), text("Keys"), text("")];
    let body = html! {
        (said)
        section class="card flush" {
            @if found.items.is_empty() { (empty("No program uses the admin API here", &html! { p { "Register one below, by its public key." } })) }
            @else { (table("Programs that use the admin API", &columns, rows.collect())) }
        }
        @if !found.items.is_empty() { (card("Give one another key", &html! {}, &next_key(place, &found.items, visit.token()))) }
        (card("Register a program", &html! {}, &adding(place, &roles, filled, visit.token())))
    };
    visit.show(Page {
        title: "Automation",
        lead: html! { "Programs of your own that use the admin API. Each proves itself by a key of its own; there is no password to lose." },
        place: Place::People,
        above: above(place),
        acts: html! {},
        body,
    })
}

fn row(place: &str, one: &Automation, token: &str) -> Vec<Markup> {
    vec![
        html! { (one.name) span class="small quiet" { code { (one.client) } " made by " (one.by) } },
        html! { (one.role) @if one.privileged { " " (badge(Tone::Warn, "privileged acts too")) } },
        html! { @if one.networks.is_empty() { "wherever people may come from" } @else { (one.networks.join(", ")) } },
        html! { (moment(&one.until)) @if !one.holds { " " (badge(Tone::Plain, "over")) } },
        html! { @for key in &one.keys { span class="small" { code { (key.thumbprint.get(..12).unwrap_or(&key.thumbprint)) } @if let Some(until) = &key.until { " until " (moment(until)) } } } },
        press(&format!("{}/remove", own(place)), token, "danger", "Take it away", &[("id", &one.client)]),
    ]
}

/// The field for a public key.
fn key_field(id: &str, value: &str) -> Markup {
    let hint = format!("{id}-hint");
    html! { div class="field" {
        label for=(id) { "Public key" }
        span class="hint" id=(hint) { "As " code { "openssl pkey -pubout" } " writes it. The private key stays where it was made." }
        textarea id=(id) name="key" rows="4" required aria-describedby=(hint) spellcheck="false" class="mono" { (value) }
    } }
}

fn next_key(place: &str, all: &[Automation], token: &str) -> Markup {
    let options: Vec<(&str, &str)> = all.iter().map(|one| (one.client.as_str(), one.name.as_str())).collect();
    let overlaps = [("1440", "It stays good for a day"), ("0", "It ends at once, with its tokens")];
    form(
        &format!("{}/rotate", own(place)),
        token,
        &html! {
            div class="grid" {
                (select("id", "Program", "", &options))
                (select("overlap", "The key before", "1440", &overlaps))
            }
            (key_field("next-key", ""))
            div { button type="submit" { "Give it this key" } }
        },
    )
}

fn adding(place: &str, roles: &[String], filled: &New, token: &str) -> Markup {
    let role = if filled.role.is_empty() { "auditor" } else { &filled.role };
    let options: Vec<(&str, &str)> = roles.iter().map(|role| (role.as_str(), role.as_str())).collect();
    form(
        &format!("{}/add", own(place)),
        token,
        &html! {
            div class="grid" {
                (Text { name: "name", label: "Name", value: &filled.name, ..Text::default() }.show())
                (select("role", "Role", role, &options))
                (Text { name: "until", label: "Until", kind: "date", value: &filled.until, hint: "Within a year. Then it is over by itself.", ..Text::default() }.show())
                (Text { name: "networks", label: "From these networks", value: &filled.networks, optional: true, hint: "Such as 192.0.2.0/24, with spaces between. Empty: wherever people may come from.", ..Text::default() }.show())
            }
            (key_field("key", &filled.key))
            (tick("privileged", "yes", filled.privileged == "yes", &html! { "It may also do what people need a second factor for" }))
            div { button type="submit" class="primary" { "Register it" } }
        },
    )
}

/// A program that is to be.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct New {
    name: String,
    role: String,
    until: String,
    networks: String,
    key: String,
    privileged: String,
}

/// Registers one.
pub(crate) async fn adds(Path(place): Path<String>, Sent(visit, sent): Sent<New>) -> Shown {
    let networks: Vec<&str> = sent.networks.split([' ', ',']).filter(|text| !text.is_empty()).collect();
    let body = json!({
        "name": sent.name, "role": sent.role, "until": sent.until, "networks": networks, "public-key": sent.key,
        "privileged": sent.privileged == "yes",
    });
    let answer = visit.ask(Ask::with(Method::POST, api("/automation", &place, ""), body)).await;
    if answer.status.is_success() {
        return Ok(to(&own(&place)));
    }
    let said = visit.said(&answer.refused())?;
    // What was pasted in may be a private key: it is not written back.
    shown(&visit, &place, &New { key: String::new(), ..sent }, &said).await
}

/// Another key for one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Next {
    id: String,
    key: String,
    overlap: u32,
}

/// Gives one another key.
pub(crate) async fn rotates(Path(place): Path<String>, Sent(visit, sent): Sent<Next>) -> Shown {
    let body = json!({ "public-key": sent.key, "overlap-minutes": sent.overlap });
    let path = api(&format!("/automation/{}/key", escaped(&sent.id)), &place, "");
    let answer = visit.ask(Ask::with(Method::POST, path, body)).await;
    if answer.status.is_success() {
        return Ok(to(&own(&place)));
    }
    let said = visit.said(&answer.refused())?;
    shown(&visit, &place, &New::default(), &said).await
}

/// Which.
#[derive(Deserialize)]
pub(crate) struct Which {
    id: String,
}

/// Takes one away.
pub(crate) async fn removes(Path(place): Path<String>, Sent(visit, sent): Sent<Which>) -> Shown {
    let path = api(&format!("/automation/{}", escaped(&sent.id)), &place, "");
    visit.then(Ask { method: Method::DELETE, ..Ask::get(path) }, &own(&place)).await
}
