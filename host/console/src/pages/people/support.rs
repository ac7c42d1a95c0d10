//! `/console/people/{place}/support`: the platform's support, let in for a time (ACC-6).

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{above, api, at};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, empty,
        form::{Text, form, press, tick},
        table::{table, text},
    },
    pages::view::{Items, moment},
    shell::Page,
    strings::Place,
    visit::{Sent, Shown, Visit, escaped},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Support {
    id: String,
    may_change: bool,
    reason: String,
    by: String,
    since: String,
    until: String,
    ended: Option<String>,
    holds: bool,
}

fn own(place: &str) -> String {
    format!("{}/support", at(place))
}

/// Lists when it was let in.
pub(crate) async fn list(visit: Visit, Path(place): Path<String>) -> Shown {
    shown(&visit, &place, &Granting::default(), &html! {}).await
}

async fn shown(visit: &Visit, place: &str, filled: &Granting, said: &Markup) -> Shown {
    let found: Items<Support> = visit.get(&api("/support", place, "&limit=50")).await?;
    let (home, token) = (own(place), visit.token());
    let rows = found.items.iter().map(|one| {
        vec![
            html! { (one.reason) span class="small quiet" { "let in by " (one.by) } },
            html! { @if one.may_change { "looks and changes" } @else { "looks" } },
            moment(&one.since),
            moment(one.ended.as_deref().unwrap_or(&one.until)),
            if one.holds { badge(Tone::Accent, "in force") } else { badge(Tone::Plain, "over") },
            html! { @if one.holds { (press(&format!("{home}/end"), token, "danger", "End now", &[("id", &one.id)])) } },
        ]
    });
    let columns = [text("What for"), text("May"), text("From"), text("To"), text("State"), text("")];
    let body = html! {
        (said)
        section class="card flush" {
            @if found.items.is_empty() { (empty("Support was never let in", &html! { p { "Without this it sees nothing of yours." } })) }
            @else { (table("Support access, the latest first", &columns, rows.collect())) }
        }
        (card("Let support in", &html! {}, &form(&format!("{home}/grant"), token, &html! {
            div class="grid" {
                (Text { name: "reason", label: "What for", value: &filled.reason, hint: "Stands in the log, such as the number of a case.", ..Text::default() }.show())
                (Text { name: "until", label: "Until", kind: "date", value: &filled.until, hint: "At most a week ahead. Then it is over by itself.", ..Text::default() }.show())
            }
            (tick("may_change", "yes", filled.may_change == "yes", &html! { "It may also change what gets plugins going again" }))
            div { button type="submit" class="primary" { "Let support in" } }
        })))
    };
    visit.show(Page {
        title: "Support access",
        lead: html! { "The platform's people see your tenant only while you let them, and each thing that they do is in your log." },
        place: Place::People,
        above: above(place),
        acts: html! {},
        body,
    })
}

/// For how long, and why.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Granting {
    reason: String,
    until: String,
    may_change: String,
}

/// Lets it in.
pub(crate) async fn grants(Path(place): Path<String>, Sent(visit, sent): Sent<Granting>) -> Shown {
    let body = json!({ "reason": sent.reason, "until": sent.until, "may-change": sent.may_change == "yes" });
    let answer = visit.ask(Ask::with(Method::POST, api("/support", &place, ""), body)).await;
    if answer.status.is_success() {
        return Ok(crate::visit::to(&own(&place)));
    }
    let said = visit.said(&answer.refused())?;
    shown(&visit, &place, &sent, &said).await
}

/// Which.
#[derive(Deserialize)]
pub(crate) struct Which {
    id: String,
}

/// Ends it.
pub(crate) async fn ends(Path(place): Path<String>, Sent(visit, sent): Sent<Which>) -> Shown {
    let path = api(&format!("/support/{}/end", escaped(&sent.id)), &place, "");
    visit.then(Ask { method: Method::POST, ..Ask::get(path) }, &own(&place)).await
}
