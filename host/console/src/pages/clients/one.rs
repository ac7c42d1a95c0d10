//! One client: its keys, what its tokens are for, and their end or its own.

use axum::extract::{Path, Query};
use http::Method;
use maud::{Markup, html};
use portcullis_model::people::actions::CLIENTS_REVOKE;
use serde::Deserialize;
use serde_json::json;

use super::{Client, HOME, Wanted, at, proves, standing};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, card_flush, facts,
        form::{form, why},
        table::{more, table, text},
    },
    pages::{
        change::{Lies, Rehearsal, hidden, would},
        installation,
        view::{Items, moment},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Sent, Shown, Visit, escaped, with},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Token {
    token: String,
    grant: String,
    audience: String,
    scopes: Vec<String>,
    actors: Vec<String>,
    bound: bool,
    issued: String,
    expires: String,
}

fn path(id: &str, rest: &str) -> String {
    format!("/clients/{}{rest}", escaped(id))
}

fn lies(id: Option<&str>) -> Lies {
    let above = std::iter::once((HOME.to_owned(), "OAuth clients".to_owned()));
    (Place::Clients, above.chain(id.map(|id| (at(id), id.to_owned()))).collect())
}

/// Shows it.
pub(super) async fn show(visit: Visit, Path(id): Path<String>, Query(wanted): Query<Wanted>) -> Shown {
    shown(&visit, &id, &wanted.cursor, &html! {}).await
}

async fn shown(visit: &Visit, id: &str, cursor: &str, said: &Markup) -> Shown {
    let one: Client = visit.get(&path(id, "")).await?;
    let found: Items<Token> = visit.get(&path(id, &format!("/tokens?limit=50{}", with("cursor", cursor)))).await?;
    let next = found.cursor().map(|cursor| format!("{}?cursor={}", at(id), escaped(&cursor)));
    let may = visit.may_to(&CLIENTS_REVOKE, &one.tenant, "client", id).await;
    let body = html! {
        (said)
        (card("How it stands", &standing(&one), &about(&one)))
        @if !one.keys.is_empty() { (card_flush("Keys", &html! {}, &keys(&one))) }
        (card_flush("Tokens that are good now", &html! {}, &tokens(&found.items)))
        (more(MORE, next.as_deref()))
        @if may && one.revoked.is_none() { div class="grid" { (acts(id, visit.token())) } }
    };
    let (place, above) = lies(None);
    visit.show(Page {
        title: &one.plugin,
        lead: html! { "The client of " (one.installation) " in " strong { (one.tenant) } },
        place,
        above,
        acts: html! {},
        body,
    })
}

fn about(one: &Client) -> Markup {
    let ended = one.ended_until.as_deref();
    facts(&[
        ("Name", html! { (one.name) }),
        ("Id", html! { code { (one.id) } }),
        ("Installation", html! { a href=(installation::at(&one.installation)) { (one.installation) } }),
        ("Proves itself", html! { (proves(&one.authentication)) }),
        (
            "Leads back to",
            html! { @if one.redirects.is_empty() { "nowhere: nobody agrees in a browser" } @else { code { (one.redirects.join(" ")) } } },
        ),
        ("Registered", moment(&one.created)),
        ("All tokens were ended", html! { @if let Some(at) = ended { (moment(at)) } @else { "never" } }),
    ])
}

fn keys(one: &Client) -> Markup {
    let rows = one.keys.iter().map(|key| {
        let (tone, words) = match key.state.as_str() {
            "current" => (Tone::Good, "in use"),
            "pending" => (Tone::Accent, "not used yet"),
            "previous" => (Tone::Plain, "replaced"),
            other => (Tone::Plain, other),
        };
        vec![
            html! { code { (key.thumbprint) } },
            badge(tone, words),
            moment(&key.since),
            html! { @if let Some(until) = &key.until { (moment(until)) } @else { "–" } },
        ]
    });
    table("Public keys", &[text("Thumbprint"), text("State"), text("Since"), text("Good until")], rows.collect())
}

fn tokens(all: &[Token]) -> Markup {
    if all.is_empty() {
        return html! { div class="empty" { p { "It has none." } } };
    }
    let rows = all.iter().map(|one| {
        vec![
            html! { code { (one.token) } span class="small quiet" { "from " (one.grant) } },
            html! { (one.audience) @if !one.bound { " " (badge(Tone::Warn, "bound to no key")) } },
            html! { @for scope in &one.scopes { span class="small" { code { (scope) } } } },
            html! { @if one.actors.is_empty() { "–" } @else { (one.actors.join(", ")) } },
            moment(&one.issued),
            moment(&one.expires),
        ]
    });
    let columns = [
        text("In the log as"),
        text("Audience"),
        text("Scopes"),
        text("On behalf through"),
        text("Issued"),
        text("Ends"),
    ];
    table("Tokens, the latest first", &columns, rows.collect())
}

fn acts(id: &str, token: &str) -> Markup {
    let own = at(id);
    html! {
        (card("End its tokens", &html! {}, &form(&format!("{own}/end-tokens"), token, &html! {
            p class="quiet" { "It goes on by asking for new ones; what an admin agreed to is asked for anew." }
            (why("end-why", None))
            div { button type="submit" class="danger" { "Show what would end" } }
        })))
        (card("Revoke it", &html! {}, &form(&format!("{own}/revoke"), token, &html! {
            p class="quiet" { "It gets no token any more. That cannot be taken back: another client is registered in its place." }
            (why("revoke-why", None))
            div { button type="submit" class="danger" { "Show what revoking means" } }
        })))
    }
}

/// What a form about one holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    reason: String,
    step: String,
}

/// Shows what would end, or ends all tokens of it.
pub(super) async fn ends_tokens(Path(id): Path<String>, Sent(visit, sent): Sent<Change>) -> Shown {
    let said = ("Afterwards", html! { "it asks for new ones; what an admin agreed to is asked for anew" });
    considered(&visit, &id, "end-tokens", &sent, ("End all its tokens", said)).await
}

/// Shows what would end, or revokes it.
pub(super) async fn revokes(Path(id): Path<String>, Sent(visit, sent): Sent<Change>) -> Shown {
    let said = ("Afterwards", html! { "it gets no token any more, and that cannot be taken back" });
    considered(&visit, &id, "revoke", &sent, ("Revoke it", said)).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Changed {
    client: Client,
}

async fn considered(
    visit: &Visit,
    id: &str,
    what: &str,
    sent: &Change,
    (does, afterwards): (&str, (&str, Markup)),
) -> Shown {
    let ask = |rehearsal: &str| {
        let body = json!({ "reason": sent.reason });
        Ask::with(Method::POST, path(id, &format!("/{what}{rehearsal}")), body)
    };
    let act = if sent.step == "do" { ask("") } else { ask("?dry_run=true") };
    let one = match visit.ask(act).await.read::<Changed>() {
        Ok(_) if sent.step == "do" => return Ok(crate::visit::to(&at(id))),
        Ok(changed) => changed.client,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(visit, id, "", &said).await;
        }
    };
    let found: Items<Token> = visit.get(&path(id, "/tokens?limit=200")).await?;
    let more = if found.next.is_some() { " or more" } else { "" };
    let said = [
        ("Client", html! { (one.name) }),
        ("Tokens that end with the next request", html! { (found.items.len()) (more) }),
        afterwards,
        ("Why", html! { (sent.reason) }),
    ];
    let rehearsal = Rehearsal {
        lies: lies(Some(id)),
        would: would("What would end", &said),
        action: &format!("{}/{what}", at(id)),
        sends: hidden(&[("reason", &sent.reason)]),
        does,
        takes: true,
        back: &at(id),
    };
    rehearsal.show(visit)
}
