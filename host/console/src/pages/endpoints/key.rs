//! The key that alerts are signed with, replaced; and a message that only tries out whether it arrives.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    at, lies,
    one::{find, shown},
    path,
};
use crate::{
    host::Ask,
    kit::{card, form::press},
    pages::change::{Once, Rehearsal, would},
    visit::{Sent, Shown, Visit, to},
};

/// The form for another key.
pub(super) fn another(place: &str, token: &str) -> Markup {
    let body = html! {
        p class="quiet" { "It signs at once, and the one before it signs as well for a day: give whoever checks signatures the new one meanwhile." }
        (press(&format!("{}/key", at(place)), token, "", "Show the next key's effect", &[]))
    };
    card("Another key", &html! {}, &body)
}

/// The form that tries it out.
pub(super) fn trying(place: &str, token: &str) -> Markup {
    let body = html! {
        p class="quiet" { "A message that says nothing, signed as all of them are." }
        (press(&format!("{}/test", at(place)), token, "", "Show what would be posted", &[]))
    };
    card("Try it out", &html! {}, &body)
}

/// What these forms hold.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Step {
    step: String,
}

/// Absent where it was tried out, and where the same was asked for before: it was shown then.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Made {
    key: Option<String>,
}

/// Shows what another key means, or makes it.
pub(super) async fn replaces(Path(place): Path<String>, Sent(visit, sent): Sent<Step>) -> Shown {
    let does = sent.step == "do";
    let asked = path("/key", &place, if does { "" } else { "&dry_run=true" });
    let made: Made = match visit.ask(Ask { method: Method::POST, ..Ask::get(asked) }).await.read() {
        Ok(made) => made,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &place, None, &said).await;
        }
    };
    match (does, &made.key) {
        (false, _) => considered(&visit, &place),
        (true, Some(key)) => shown_once(&visit, &place, key),
        (true, None) => Ok(to(&at(&place))),
    }
}

fn considered(visit: &Visit, place: &str) -> Shown {
    let said = [
        ("The next key", html! { "signs at once, and is shown once, on the next page" }),
        ("The key before it", html! { "signs as well for a day" }),
    ];
    let rehearsal = Rehearsal {
        lies: lies(Some(place)),
        would: would("Another key", &said),
        action: &format!("{}/key", at(place)),
        sends: html! {},
        does: "Make the key",
        takes: false,
        back: &at(place),
    };
    rehearsal.show(visit)
}

fn shown_once(visit: &Visit, place: &str, key: &str) -> Shown {
    let once = Once {
        lies: lies(Some(place)),
        title: "The next key of these messages",
        name: "What signatures are checked with",
        value: key,
        says: html! { p { "The key before it signs as well for a day." } },
        next: (&at(place), "To the endpoint"),
    };
    once.show(visit)
}

/// Shows what would be tried out, or has it posted.
pub(super) async fn tries(Path(place): Path<String>, Sent(visit, sent): Sent<Step>) -> Shown {
    if sent.step == "do" {
        let ask = Ask { method: Method::POST, ..Ask::get(path("/test", &place, "")) };
        let answer = visit.ask(ask).await;
        return match answer.status.is_success() {
            true => Ok(to(&at(&place))),
            false => shown(&visit, &place, None, &visit.said(&answer.refused())?).await,
        };
    }
    let Some(one) = find(&visit, &place).await? else { return Ok(to(&at(&place))) };
    let said = [
        ("A message", html! { "that says nothing; what became of it stands in the log" }),
        ("Goes to", html! { code { (one.url) } }),
    ];
    let rehearsal = Rehearsal {
        lies: lies(Some(&place)),
        would: would("Try it out", &said),
        action: &format!("{}/test", at(&place)),
        sends: html! {},
        does: "Post it",
        takes: false,
        back: &at(&place),
    };
    rehearsal.show(&visit)
}
