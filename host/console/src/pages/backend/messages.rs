//! Messages to a back end: what became of each, one to try it out, and those that were given up sent again.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Detail, Wanted, at, lies, path, shown};
use crate::{
    host::Ask,
    kit::{
        Tone, card,
        form::press,
        notice,
        table::{number, table, text},
    },
    pages::{
        change::{Rehearsal, hidden, would},
        deliveries::standing,
    },
    strings,
    visit::{Sent, Shown, Visit, to},
};

/// All that were given up. To name no message is not that: a form that lost its field would send all of them.
const ALL: &str = "all";

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
            Some(token) => {
                let words = format!("Send {number} again");
                press(&format!("{}/replay", at(id)), token, "", &words, &[("delivery", &number)])
            }
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
    let mut columns = vec![
        text("Number"),
        text("Message"),
        text("State"),
        number("Tries"),
        text("What went wrong last"),
        text("Act"),
    ];
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
            (press(&format!("{}/replay", at(id)), token, "", "Show what would be sent again", &[("which", ALL)]))
        }))
    }
}

/// What a form about messages holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    which: String,
    /// Which one.
    delivery: String,
    step: String,
}

impl Change {
    /// What is sent again, as the API takes it.
    fn again(&self) -> Option<Value> {
        match (self.which.as_str(), self.delivery.as_str()) {
            (ALL, "") => Some(json!({})),
            (_, "") => None,
            // What is no number is said by the API, with what it expects.
            (_, one) => Some(json!({ "delivery": one.parse::<u64>().map_or_else(|_| Value::from(one), Value::from) })),
        }
    }
}

/// Shows what would be tried out, or sends it.
pub(super) async fn tries(Path(id): Path<String>, Sent(visit, sent): Sent<Change>) -> Shown {
    let ask = Ask { method: Method::POST, ..Ask::get(path(&id, "/test")) };
    if sent.step == "do" {
        return done(&visit, &id, ask).await;
    }
    let found: Detail = visit.get(&path(&id, "")).await?;
    let Some(one) = found.back_end else { return Ok(to(&at(&id))) };
    let said =
        [("A message", html! { "of the type " code { "backend.test" } }), ("Goes to", html! { code { (one.url) } })];
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

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Replayed {
    replayed: u64,
}

/// Shows what would be sent again, or sends it.
pub(super) async fn replays(Path(id): Path<String>, Sent(visit, sent): Sent<Change>) -> Shown {
    let Some(which) = sent.again() else {
        let body = html! { p { "Choose one message, or all that were given up." } };
        return back(&visit, &id, &notice(Tone::Bad, strings::REFUSED, &body)).await;
    };
    if sent.step == "do" {
        return done(&visit, &id, Ask::with(Method::POST, path(&id, "/replay"), which)).await;
    }
    let ask = Ask::with(Method::POST, path(&id, "/replay?dry_run=true"), which);
    let all = match visit.ask(ask).await.read::<Replayed>() {
        Ok(found) => found.replayed,
        Err(refused) => return back(&visit, &id, &visit.said(&refused)?).await,
    };
    if all == 0 {
        let body = html! { p { "There is nothing to be sent again." } };
        return back(&visit, &id, &notice(Tone::Plain, "None of its messages was given up", &body)).await;
    }
    let what = match sent.delivery.as_str() {
        "" => ("Messages that were given up", html! { (all) }),
        one => ("The message", html! { "of the number " (one) }),
    };
    let said = [what, ("Its id", html! { "is the one before, by which the back end knows what it did take" })];
    let rehearsal = Rehearsal {
        lies: lies(&id),
        would: would("Sent again", &said),
        action: &format!("{}/replay", at(&id)),
        sends: hidden(&[("which", &sent.which), ("delivery", &sent.delivery)]),
        does: "Send again",
        takes: false,
        back: &at(&id),
    };
    rehearsal.show(&visit)
}

/// The page of it, with this at its head.
async fn back(visit: &Visit, id: &str, said: &Markup) -> Shown {
    shown(visit, id, &Wanted::default(), None, said).await
}

/// Back at the page of it; where it was refused, with why.
async fn done(visit: &Visit, id: &str, ask: Ask) -> Shown {
    let answer = visit.ask(ask).await;
    match answer.status.is_success() {
        true => Ok(to(&at(id))),
        false => back(visit, id, &visit.said(&answer.refused())?).await,
    }
}
