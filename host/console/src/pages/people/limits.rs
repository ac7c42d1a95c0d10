//! `/console/people/{place}/limits`: how long people stay signed in, and from where they may come (ACC-4, ACC-7).

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{above, api, at, named};
use crate::{
    host::Ask,
    kit::{
        card, facts,
        form::{Text, form},
    },
    shell::Page,
    strings::Place,
    visit::{Sent, Shown, Visit},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Rules {
    set: Limits,
    holds: Limits,
    single_sign_on: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Limits {
    idle_minutes: u32,
    absolute_minutes: u32,
    step_up_minutes: u32,
    networks: Vec<Vec<String>>,
}

fn own(place: &str) -> String {
    format!("{}/limits", at(place))
}

fn networks(lists: &[Vec<String>]) -> String {
    match lists {
        [] => "Anywhere".to_owned(),
        lists => lists.iter().map(|list| list.join(" or ")).collect::<Vec<_>>().join("; and "),
    }
}

fn words(limits: &Limits) -> Markup {
    facts(&[
        ("A session lies unused for at most", html! { (limits.idle_minutes) " minutes" }),
        ("A session lasts at most", html! { (limits.absolute_minutes) " minutes" }),
        ("A second factor is fresh for", html! { (limits.step_up_minutes) " minutes" }),
        ("People, tokens and clients come from", html! { (networks(&limits.networks)) }),
    ])
}

/// Shows them.
pub(crate) async fn show(visit: Visit, Path(place): Path<String>) -> Shown {
    shown(&visit, &place, None, &html! {}).await
}

async fn shown(visit: &Visit, place: &str, filled: Option<&Setting>, said: &Markup) -> Shown {
    let (rules, version): (Rules, String) = visit.seen(&api("/access", place, "")).await?;
    let now = Setting {
        idle_minutes: rules.set.idle_minutes.to_string(),
        absolute_minutes: rules.set.absolute_minutes.to_string(),
        step_up_minutes: rules.set.step_up_minutes.to_string(),
        networks: rules.set.networks.iter().map(|list| list.join(" ")).collect::<Vec<_>>().join("\n"),
        version,
    };
    let filled = filled.unwrap_or(&now);
    let number = |name, label, value| Text { name, label, kind: "number", value, ..Text::default() }.show();
    let body = html! {
        (said)
        (card("What holds here", &html! {}, &html! {
            (words(&rules.holds))
            p class="quiet" { "The strictest of what the platform, your profiles and you have set." }
            @if let Some(issuer) = &rules.single_sign_on { p { "People sign in by " code { (issuer) } "." } }
        }))
        (card(&format!("What {} has set", named(place)), &html! {}, &form(&format!("{}/set", own(place)), visit.token(), &html! {
            input type="hidden" name="version" value=(filled.version);
            div class="grid thirds" {
                (number("idle_minutes", "Unused, in minutes", &filled.idle_minutes))
                (number("absolute_minutes", "In all, in minutes", &filled.absolute_minutes))
                (number("step_up_minutes", "Second factor, in minutes", &filled.step_up_minutes))
            }
            div class="field" {
                label for="networks" { "Networks" }
                span class="hint" id="networks-hint" {
                    "From where people, tokens and clients may come, such as " code { "192.0.2.0/24 2001:db8::/32" } ". Empty: from anywhere. A line is a list of which one must fit; several lines must all fit."
                }
                textarea id="networks" name="networks" rows="3" aria-describedby="networks-hint" spellcheck="false" class="mono" { (filled.networks) }
            }
            div { button type="submit" class="primary" { "Set" } }
        })))
    };
    visit.show(Page {
        title: "Sign-in limits",
        lead: html! { "For how long, and from where. You cannot set networks that keep yourself out." },
        place: Place::People,
        above: above(place),
        acts: html! {},
        body,
    })
}

/// What is set.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Setting {
    idle_minutes: String,
    absolute_minutes: String,
    step_up_minutes: String,
    networks: String,
    version: String,
}

/// Sets them.
pub(crate) async fn sets(Path(place): Path<String>, Sent(visit, sent): Sent<Setting>) -> Shown {
    // What is no number is said by the API, with what it expects.
    let number = |text: &str| text.trim().parse::<u32>().map_or_else(|_| json!(text), |number| json!(number));
    let list = |line: &str| line.split([' ', ',']).filter(|one| !one.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let lists: Vec<Vec<String>> = sent.networks.lines().map(list).filter(|list| !list.is_empty()).collect();
    let body = json!({
        "idle-minutes": number(&sent.idle_minutes),
        "absolute-minutes": number(&sent.absolute_minutes),
        "step-up-minutes": number(&sent.step_up_minutes),
        "networks": lists,
    });
    let answer = visit.ask(Ask::with(Method::PUT, api("/access", &place, ""), body).of(&sent.version)).await;
    if answer.status.is_success() {
        return Ok(crate::visit::to(&own(&place)));
    }
    let said = visit.said(&answer.refused())?;
    shown(&visit, &place, Some(&sent), &said).await
}
