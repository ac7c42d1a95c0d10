//! `/console/people/{place}/{id}`: one person: their role, how they sign in, from where they are signed in, and what can be done.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Linked, Person, above, api, at, handed_over, named, roles_at, roles_field, standing};
use crate::{
    host::Ask,
    kit::{
        Mark, Tone, badge, card, card_flush, facts,
        form::{Text, form, press},
        notice,
        table::{table, text},
        ticks,
    },
    pages::{
        change::{Rehearsal, hidden},
        view::{Items, moment},
    },
    shell::Page,
    strings::{Place, SHOW_CHANGE},
    visit::{Sent, Shown, Visit, escaped},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Session {
    id: String,
    device: String,
    new_device: bool,
    address: String,
    created: String,
    used: String,
    live: bool,
    ended: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Changed {
    gained: Vec<String>,
    lost: Vec<String>,
    sessions_ended: usize,
}

fn here(place: &str, id: &str) -> String {
    format!("{}/{}", at(place), escaped(id))
}

fn path(place: &str, id: &str, rest: &str, more: &str) -> String {
    api(&format!("/people/{}{rest}", escaped(id)), place, more)
}

/// Shows somebody.
pub(crate) async fn show(visit: Visit, Path((place, id)): Path<(String, String)>) -> Shown {
    shown(&visit, &place, &id, &html! {}).await
}

async fn shown(visit: &Visit, place: &str, id: &str, said: &Markup) -> Shown {
    let one: Person = visit.get(&path(place, id, "", "")).await?;
    let sessions = visit.ask(Ask::get(path(place, id, "/sessions", "&limit=50"))).await;
    let sessions: Result<Items<Session>, _> = sessions.read();
    let roles = roles_at(visit, place).await;
    let (own, token) = (here(place, id), visit.token());
    let factors = html! { ul class="plain" { @for factor in &one.factors { li {
        (factor.kind) @if !factor.label.is_empty() { ", " (factor.label) }
        span class="small quiet" { " since " (moment(&factor.created)) @if let Some(used) = &factor.used { ", used " (moment(used)) } }
    } } } };
    let body = html! {
        (said)
        (card("Account", &standing(&one), &facts(&[
            ("Address", html! { (one.email) " " span class="small quiet" { "as whoever invited them wrote it: nobody proved it" } }),
            ("Role", html! { (one.role) " since " (moment(&one.since)) @if let Some(until) = &one.until { ", until " (moment(until)) } }),
            ("Signs in by", factors),
            ("Id", html! { code { (one.id) } }),
        ])))
        @match &sessions {
            Ok(found) => (card_flush("Sessions and devices", &press(&format!("{own}/end"), token, "danger", "End all", &[]), &listed(&own, token, &found.items))),
            Err(refused) => (card("Sessions and devices", &html! {}, &html! { p class="quiet" { (refused.detail) } })),
        }
        div class="grid" {
            (card("Another role", &html! {}, &form(&format!("{own}/role"), token, &html! {
                input type="hidden" name="version" value=(one.version);
                (roles_field(&roles, &one.role))
                (Text { name: "until", label: "Until", kind: "date", optional: true, hint: "Empty: when somebody takes it away.", ..Text::default() }.show())
                div { button type="submit" class="primary" { (SHOW_CHANGE) } }
            })))
            (card("Keep out", &html! {}, &html! {
                p class="quiet" { "Sessions end with the next request. Nothing of the account is lost." }
                @if one.suspended { (press(&format!("{own}/resume"), token, "primary", "Let in again", &[])) }
                @else { (press(&format!("{own}/suspend"), token, "danger", "Suspend", &[])) }
            }))
            (card("Lost every passkey", &html! {}, &html! {
                p class="quiet" { "A link by which they register a new one. When it is used all that they had until then ends." }
                (press(&format!("{own}/recover"), token, "", "Make a way back in", &[("name", &one.name)]))
            }))
            (card("Remove", &html! {}, &html! {
                p class="quiet" { "Takes the role here away; with the last role, the account." }
                (press(&format!("{own}/remove"), token, "danger", "Show what would go", &[]))
            }))
        }
    };
    visit.show(Page {
        title: &one.name,
        lead: html! { (one.role) " of " (named(place)) },
        place: Place::People,
        above: above(place),
        acts: html! {},
        body,
    })
}

fn listed(own: &str, token: &str, sessions: &[Session]) -> Markup {
    if sessions.is_empty() {
        return html! { div class="empty" { p { "They have not signed in." } } };
    }
    let rows = sessions.iter().map(|one| {
        let state = match (&one.ended, one.live) {
            (Some(why), _) => html! { (badge(Tone::Plain, "ended")) span class="small quiet" { (why) } },
            (None, true) => badge(Tone::Good, "live"),
            (None, false) => badge(Tone::Plain, "past its limits"),
        };
        vec![
            html! { (one.device) @if one.new_device { " " (badge(Tone::Warn, "new device")) } },
            html! { (one.address) },
            moment(&one.created),
            moment(&one.used),
            state,
            html! { @if one.live { (press(&format!("{own}/end"), token, "danger", "End", &[("session", &one.id)])) } },
        ]
    });
    let columns = [text("Device"), text("From"), text("Since"), text("Used"), text("State"), text("")];
    table("Sessions, the latest first", &columns, rows.collect())
}

/// What a form about somebody holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Change {
    step: String,
    role: String,
    until: String,
    version: String,
    session: String,
    name: String,
}

/// Changes somebody. What can be done is named by the path, and by nothing else.
pub(crate) async fn changes(
    Path((place, id, what)): Path<(String, String, String)>,
    Sent(visit, sent): Sent<Change>,
) -> Shown {
    let own = here(&place, &id);
    match what.as_str() {
        "role" | "remove" => considered(&visit, &place, &id, &what, &sent).await,
        "recover" => {
            let ask = Ask { method: Method::POST, ..Ask::get(path(&place, &id, "/recover", "")) };
            match visit.ask(ask).await.read::<Linked>() {
                Ok(linked) => handed_over(&visit, &place, &sent.name, &linked),
                Err(refused) => {
                    let said = visit.said(&refused)?;
                    shown(&visit, &place, &id, &said).await
                }
            }
        }
        "end" => {
            let body = if sent.session.is_empty() { json!({}) } else { json!({ "session": sent.session }) };
            visit.then(Ask::with(Method::POST, path(&place, &id, "/sessions/end", ""), body), &own).await
        }
        other => {
            let ask = Ask { method: Method::POST, ..Ask::get(path(&place, &id, &format!("/{}", escaped(other)), "")) };
            visit.then(ask, &own).await
        }
    }
}

/// Gives another role or takes it away: shown first, done when it is sent once more.
async fn considered(visit: &Visit, place: &str, id: &str, what: &str, sent: &Change) -> Shown {
    let own = here(place, id);
    let does = sent.step == "do";
    let rehearsal = if does { "" } else { "&dry_run=true" };
    let ask = match what {
        "remove" => Ask { method: Method::DELETE, ..Ask::get(path(place, id, "", rehearsal)) },
        _ => {
            let mut body = json!({ "role": sent.role });
            if !sent.until.is_empty() {
                body["until"] = Value::from(sent.until.clone());
            }
            Ask::with(Method::PUT, path(place, id, "/role", rehearsal), body).of(&format!("\"{}\"", sent.version))
        }
    };
    if does {
        let next = if what == "remove" { at(place) } else { own };
        return visit.then(ask, &next).await;
    }
    let changed: Changed = match visit.ask(ask).await.read() {
        Ok(changed) => changed,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(visit, place, id, &said).await;
        }
    };
    let words = |all: &[String]| all.iter().map(|one| html! { code { (one) } }).collect::<Vec<Markup>>();
    let would = html! {
        @if changed.sessions_ended > 0 {
            (notice(Tone::Warn, "They are signed out", &html! { p { (changed.sessions_ended) " sessions of theirs end at once." } }))
        }
        div class="grid" {
            @if !changed.gained.is_empty() { (card("They could do", &html! {}, &ticks(Mark::Yes, &words(&changed.gained)))) }
            @if !changed.lost.is_empty() { (card("They could do no longer", &html! {}, &ticks(Mark::No, &words(&changed.lost)))) }
            @if changed.gained.is_empty() && changed.lost.is_empty() {
                (card("What they can do", &html! {}, &html! { p class="quiet" { "Nothing would be different." } }))
            }
        }
    };
    let rehearsal = Rehearsal {
        lies: (Place::People, above(place)),
        would,
        action: &format!("{own}/{what}"),
        sends: hidden(&[("role", &sent.role), ("until", &sent.until), ("version", &sent.version)]),
        does: "Make it so",
        takes: what == "remove",
        back: &own,
    };
    rehearsal.show(visit)
}
