//! Messages to a back end: what became of each, one to try it out, and those that were given up sent again.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{Detail, Wanted, at, lies, path, shown};
use crate::{
    host::Ask,
    kit::{
        card, card_flush,
        form::press,
        table::{number, table, text},
    },
    pages::{
        change::{Rehearsal, hidden, would},
        deliveries::standing,
        view::Items,
    },
    visit::{Sent, Shown, Visit},
};

/// A message. What it holds is not shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    delivery: i64,
    event: String,
    kind: String,
    state: String,
    attempts: u64,
    error: Option<String>,
}

/// Messages as a table; with the reader's token, where they may have one sent again.
pub(super) fn table_of(id: &str, all: &[Message], token: Option<&str>) -> Markup {
    let rows = all.iter().map(|one| {
        let number = one.delivery.to_string();
        let again = match token.filter(|_| matches!(one.state.as_str(), "done" | "dead")) {
            Some(token) => press(&format!("{}/replay", at(id)), token, "", "Send again", &[("delivery", &number)]),
            None => html! {},
        };
        vec![
            html! { (number) },
            html! { (one.kind) span class="small quiet" { (one.event) } },
            standing(&one.state),
            html! { (one.attempts) },
            html! { (one.error.as_deref().unwrap_or("–")) },
            again,
        ]
    });
    let mut columns =
        vec![text("Number"), text("Message"), text("State"), number("Tries"), text("What went wrong last"), text("")];
    let mut rows: Vec<Vec<Markup>> = rows.collect();
    if token.is_none() {
        columns.pop();
        rows.iter_mut().for_each(|row| row.truncate(columns.len()));
    }
    table("Messages, the newest first", &columns, rows)
}

/// What can be done about messages.
pub(super) fn cards(id: &str, token: &str) -> Markup {
    html! {
        (card("Try it out", &html! {}, &html! {
            p class="quiet" { "A message that says nothing, signed as all of them are. What became of it stands in the list." }
            (press(&format!("{}/test", at(id)), token, "", "Show what would be sent", &[]))
        }))
        (card("Send again", &html! {}, &html! {
            p class="quiet" { "All messages that were given up. Each has the id that it had before, by which the back end knows one that it did take." }
            (press(&format!("{}/replay", at(id)), token, "", "Show what would be sent again", &[]))
        }))
    }
}

/// What a form about messages holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    /// Which one; all that were given up where it is empty.
    delivery: String,
    step: String,
}

/// Shows what would be tried out, or sends it.
pub(super) async fn tries(Path(id): Path<String>, Sent(visit, sent): Sent<Change>) -> Shown {
    let ask = Ask { method: Method::POST, ..Ask::get(path(&id, "/test")) };
    if sent.step == "do" {
        return done(&visit, &id, ask).await;
    }
    let found: Detail = visit.get(&path(&id, "")).await?;
    let url = found.back_end.map(|one| one.url).unwrap_or_default();
    let said = [("A message", html! { "of the type " code { "backend.test" } }), ("Goes to", html! { code { (url) } })];
    let rehearsal = Rehearsal {
        lies: lies(&id),
        would: would("Try it out", &said),
        action: &format!("{}/test", at(&id)),
        sends: html! {},
        does: "Send it",
        takes: false,
        back: &at(&id),
    };
    rehearsal.show(&visit)
}

/// Shows what would be sent again, or sends it.
pub(super) async fn replays(Path(id): Path<String>, Sent(visit, sent): Sent<Change>) -> Shown {
    if sent.step == "do" {
        let which = match sent.delivery.parse::<u64>() {
            Ok(number) => json!({ "delivery": number }),
            Err(_) if sent.delivery.is_empty() => json!({}),
            // What is no number is said by the API, with what it expects.
            Err(_) => json!({ "delivery": sent.delivery }),
        };
        return done(&visit, &id, Ask::with(Method::POST, path(&id, "/replay"), which)).await;
    }
    let found: Items<Message> = visit.get(&path(&id, "/messages?limit=200")).await?;
    let reaches = |one: &Message| match sent.delivery.as_str() {
        "" => one.state == "dead",
        number => one.delivery.to_string() == number,
    };
    let more = found.next.is_some();
    let all: Vec<Message> = found.items.into_iter().filter(reaches).collect();
    let body = html! {
        @if all.is_empty() && !more { div class="empty" { p { "None of its messages was given up." } } }
        @else { (table_of(&id, &all, None)) }
    };
    let beyond = html! { @if more { span class="quiet small" { "and those beyond the newest 200" } } };
    let rehearsal = Rehearsal {
        lies: lies(&id),
        would: card_flush("Sent again", &beyond, &body),
        action: &format!("{}/replay", at(&id)),
        sends: hidden(&[("delivery", &sent.delivery)]),
        does: "Send again",
        takes: false,
        back: &at(&id),
    };
    rehearsal.show(&visit)
}

/// Back at the page of it; where it was refused, with why.
async fn done(visit: &Visit, id: &str, ask: Ask) -> Shown {
    let answer = visit.ask(ask).await;
    if answer.status.is_success() {
        return Ok(crate::visit::to(&at(id)));
    }
    let said = visit.said(&answer.refused())?;
    shown(visit, id, &Wanted::default(), None, &said).await
}
