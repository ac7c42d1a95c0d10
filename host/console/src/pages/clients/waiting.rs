//! Requests for authorization that wait: what the back end of a plugin asks for in somebody's browser, in words, agreed to with a tick each,
//! or refused.
//!
//! Invariant: what would be agreed to is shown before it is, with the code that whoever started it has on their screen.

use axum::extract::Path;
use http::{Method, StatusCode};
use maud::{Markup, html};
use portcullis_model::people::actions::AUTHORIZATIONS_DECIDE;
use serde::Deserialize;
use serde_json::json;

use super::HOME;
use crate::{
    host::{Ask, Refused},
    kit::{
        Tone, badge, card, card_flush, facts,
        form::{form, press},
        notice,
        table::{table, text},
    },
    pages::{
        change::{Lies, Rehearsal, would},
        view::{Items, moment, sentence},
    },
    shell::Page,
    strings::Place,
    visit::{Instead, Sent, Shown, Visit, escaped, to, with},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    code: String,
    client: String,
    name: String,
    tenant: String,
    scopes: Vec<Scope>,
    audience: String,
    redirect: String,
    expires: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Scope {
    scope: String,
    words: Vec<String>,
}

/// What was decided, or would be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Decided {
    authorization: Waiting,
    scopes: Vec<Scope>,
}

fn at(code: &str) -> String {
    format!("{HOME}/_waiting/{}", escaped(code))
}

fn lies(code: Option<&str>) -> Lies {
    let above = std::iter::once((HOME.to_owned(), "OAuth clients".to_owned()));
    (Place::Clients, above.chain(code.map(|code| (at(code), format!("Request {code}")))).collect())
}

/// In words, and as it is written.
fn meaning(one: &Scope) -> Markup {
    html! {
        @for words in &one.words { (sentence(words)) " " }
        code class="small" { (one.scope) }
    }
}

/// What the list of clients has of them: those that wait, where there are any and their reader may see them.
pub(super) async fn part(visit: &Visit, tenant: &str) -> Markup {
    let ask = Ask::get(format!("/authorizations?limit=100{}", with("tenant", tenant)));
    let Ok(found) = visit.ask(ask).await.read::<Items<Waiting>>() else { return html! {} };
    let rows = found.items.iter().map(|one| {
        vec![
            html! { a href=(at(&one.code)) { (one.name) } span class="small quiet" { (one.tenant) } },
            html! { ul class="plain" { @for scope in &one.scopes { li { (meaning(scope)) } } } },
            html! { code { (one.code) } },
            moment(&one.expires),
        ]
    });
    let columns = [text("Client"), text("Asks for"), text("Code"), text("Until")];
    html! { @if !found.items.is_empty() {
        (card_flush("Waits for an admin", &badge(Tone::Accent, "in a browser"), &table("Requests for authorization", &columns, rows.collect())))
    } }
}

/// The request with this code, among those that wait.
async fn find(visit: &Visit, code: &str) -> Result<Waiting, Instead> {
    let found: Items<Waiting> = visit.get("/authorizations?limit=200").await?;
    found.items.into_iter().find(|one| one.code == code).ok_or_else(|| {
        let refused = Refused {
            status: StatusCode::NOT_FOUND,
            detail: "No request with this code waits: it was decided about, or its 10 minutes are over.".to_owned(),
            ..Refused::default()
        };
        visit.refused(&refused).into()
    })
}

/// Shows it.
pub(super) async fn show(visit: Visit, Path(code): Path<String>) -> Shown {
    shown(&visit, &code, &html! {}).await
}

async fn shown(visit: &Visit, code: &str, said: &Markup) -> Shown {
    let one = find(visit, code).await?;
    let may = visit.may_to(&AUTHORIZATIONS_DECIDE, &one.tenant, "client", &one.client).await;
    let body = html! {
        (said)
        (card("What asks", &html! {}, &facts(&[
            ("Client", html! { (one.name) " in " strong { (one.tenant) } }),
            ("Code", html! { code { (one.code) } }),
            ("For", html! { (one.audience) }),
            ("The browser goes back to", html! { code { (one.redirect) } }),
            ("To be decided until", moment(&one.expires)),
        ])))
        @if may { (decision(&one, visit.token())) } @else {
            (card("What it asks for", &html! {}, &html! { ul { @for scope in &one.scopes { li { (meaning(scope)) } } } }))
        }
    };
    let (place, above) = lies(None);
    let lead = html! { "Somebody has begun this in a browser and waits there." };
    visit.show(Page { title: "A request for authorization", lead, place, above, acts: html! {}, body })
}

fn decision(one: &Waiting, token: &str) -> Markup {
    let own = at(&one.code);
    html! {
        (notice(Tone::Warn, "Agree only to what you know of", &html! {
            p { "Somebody you know must have started this, and be shown the code " code { (one.code) } " on their own screen." }
        }))
        (card("What it asks for", &html! {}, &form(&format!("{own}/approve"), token, &html! {
            p class="quiet" { "Take the tick away from what it shall not have." }
            @for (number, scope) in one.scopes.iter().enumerate() {
                div class="choice" {
                    input type="checkbox" id={ "scope-" (number) } name="scope" value=(scope.scope) checked;
                    label for={ "scope-" (number) } { (meaning(scope)) }
                }
            }
            div { button type="submit" class="primary" { "Show what this would mean" } }
        })))
        (card("Refuse", &html! {}, &html! {
            p { "The page goes back by itself, and the client learns that it was refused." }
            (press(&format!("{own}/deny"), token, "danger", "Refuse it", &[]))
        }))
    }
}

/// What a form about one holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    scope: Vec<String>,
    step: String,
}

/// Shows what agreeing to this much would mean, or agrees.
pub(super) async fn approves(Path(code): Path<String>, Sent(visit, sent): Sent<Choice>) -> Shown {
    let does = sent.step == "do";
    let rehearsal = if does { "" } else { "?dry_run=true" };
    let path = format!("/authorizations/{}/approve{rehearsal}", escaped(&code));
    let found: Decided = match visit.ask(Ask::with(Method::POST, path, json!({ "scopes": sent.scope }))).await.read() {
        Ok(_) if does => return Ok(to(HOME)),
        Ok(found) => found,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &code, &said).await;
        }
    };
    let one = &found.authorization;
    let said = [
        ("Client", html! { (one.name) " in " strong { (one.tenant) } }),
        ("The code on their screen", html! { code { (one.code) } }),
        ("It may then", html! { ul class="plain" { @for scope in &found.scopes { li { (meaning(scope)) } } } }),
        ("Of what it asks for", html! { (found.scopes.len()) " of " (one.scopes.len()) }),
    ];
    let rehearsal = Rehearsal {
        lies: lies(Some(&code)),
        would: would("What would be agreed to", &said),
        action: &format!("{}/approve", at(&code)),
        sends: html! { @for scope in &sent.scope { input type="hidden" name="scope" value=(scope); } },
        does: "Agree to this",
        takes: false,
        back: &at(&code),
    };
    rehearsal.show(&visit)
}

/// Refuses it.
pub(super) async fn denies(Path(code): Path<String>, Sent(visit, _): Sent<Choice>) -> Shown {
    let path = format!("/authorizations/{}/deny", escaped(&code));
    visit.then(Ask { method: Method::POST, ..Ask::get(path) }, HOME).await
}
