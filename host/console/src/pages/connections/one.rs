//! One connection: how it stands, what became of it in rotations, and what can be done about it.

use axum::extract::{Path, Query};
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::{Age, Connection, HOME, ROTATIONS, age, ages, at, rotation, standing};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, card_flush, facts,
        form::{Text, form, press, select, why},
        notice,
        table::{more, table, text},
    },
    pages::{installation, view::moment},
    shell::Page,
    strings::{LINK_SHOWN_ONCE, MORE, Place},
    visit::{Sent, Shown, Visit, escaped, to, with},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    connection: Connection,
    rotations: Vec<Turned>,
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Turned {
    rotation: String,
    started: String,
    mode: String,
    outcome: String,
    revocation: String,
}

fn above() -> Vec<(String, String)> {
    vec![(HOME.to_owned(), "Connections".to_owned())]
}

fn path(installation: &str, name: &str) -> String {
    format!("/connections/{}/{}", escaped(installation), escaped(name))
}

/// Shows it.
pub(super) async fn show(
    visit: Visit,
    Path((installation, name)): Path<(String, String)>,
    Query(turn): Query<rotation::Turn>,
) -> Shown {
    shown(&visit, &installation, &name, &turn, &html! {}).await
}

async fn shown(visit: &Visit, installation: &str, name: &str, turn: &rotation::Turn, said: &Markup) -> Shown {
    let asked = format!("{}?limit=20{}", path(installation, name), with("cursor", &turn.cursor));
    let Detail { connection: one, rotations, next } = visit.get(&asked).await?;
    let aged = ages(visit, installation).await.remove(&(one.installation.clone(), one.name.clone()));
    let body = html! {
        (said)
        (card("How it stands", &standing(&one), &about(&one, aged.as_ref())))
        @if !rotations.is_empty() { (card_flush("Rotations", &html! {}, &turned(&rotations))) }
        (more(MORE, rotation::next_of(next.as_deref(), &at(&one)).as_deref()))
        @if one.state != "revoked" { div class="grid" { (acts(&one, aged.as_ref(), visit.token())) } }
    };
    visit.show(Page {
        title: &one.name,
        lead: html! { "A credential of " (one.origin.provider) " for " (one.installation) },
        place: Place::Connections,
        above: above(),
        acts: html! {},
        body,
    })
}

fn about(one: &Connection, aged: Option<&Age>) -> Markup {
    let mut all = vec![
        (
            "Installation",
            html! { a href=(installation::at(&one.installation)) { (one.installation) } " in " (one.tenant) },
        ),
        ("Provider", html! { (one.origin.provider) }),
        ("Goes to", html! { (one.place.hosts.join(", ")) ", as " code { (one.place.header) } }),
        (
            "Scopes there",
            html! { @if one.origin.scopes.is_empty() { "none named" } @else { (one.origin.scopes.join(" ")) } },
        ),
        ("Age", age(aged)),
        ("Stored", html! { (moment(&one.issued)) ", generation " (one.generation) }),
        ("Ends", html! { @if let Some(end) = &one.expires { (moment(end)) } @else { "no end is known" } }),
    ];
    if let Some(why) = &one.why {
        let until = one.until.as_deref();
        all.push((
            "What is wrong",
            html! { (why) @if let Some(until) = until { ". The next try is at " (moment(until)) } },
        ));
    }
    if let Some(since) = &one.since {
        all.push(("So since", moment(since)));
    }
    if let Some(risk) = &one.origin.risk {
        all.push((
            "At a risk",
            html! { (risk.reason) ", answered for by " (risk.accepted_by) " until " (moment(&risk.until)) },
        ));
    }
    facts(&all)
}

fn turned(rotations: &[Turned]) -> Markup {
    let rows = rotations.iter().map(|one| {
        vec![
            html! { a href={ (ROTATIONS) "/" (escaped(&one.rotation)) } { (one.rotation) } },
            html! { (one.mode) },
            moment(&one.started),
            rotation::outcome(&one.outcome),
            html! { (rotation::ending(&one.revocation, &one.mode)) },
        ]
    });
    let columns = [text("Rotation"), text("How"), text("Began"), text("Outcome"), text("The old one")];
    table("Rotations, the latest first", &columns, rows.collect())
}

fn acts(one: &Connection, aged: Option<&Age>, token: &str) -> Markup {
    let own = at(one);
    let revocable = aged.is_none_or(|age| age.revocable);
    html! {
        (card("Rotate it now", &html! {}, &form(&format!("{own}/rotate"), token, &html! {
            (select("mode", "How", "planned", rotation::MODES))
            (Text { name: "reason", label: "Why", hint: "Stands in the log and in the report.", ..Text::default() }.show())
            div { button type="submit" class="primary" { "Show how it would go" } }
        })))
        @if aged.is_some_and(|age| age.needs_person) || one.state == "consent-needed" {
            (card("Consent anew", &badge(Tone::Warn, "a person is needed"), &html! {
                p class="quiet" { "A link by which a person lets the provider issue a new credential. What is stored stays in use until then." }
                (press(&format!("{own}/authorize"), token, "primary", "Make a link", &[]))
            }))
        }
        (card("End it", &html! {}, &form(&format!("{own}/revoke"), token, &html! {
            p class="quiet" {
                "No request carries it any more. "
                @if revocable { "It is revoked at the provider." } @else { "The provider offers no revocation: it lives there until it ends, or somebody ends it there." }
            }
            (why("revoke-why", None))
            div { button type="submit" class="danger" { "End the connection" } }
        })))
    }
}

/// What a form about one holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    reason: String,
    mode: String,
    step: String,
}

/// Shows how a rotation of it would go, or orders it.
pub(super) async fn rotates(
    Path((installation, name)): Path<(String, String)>,
    Sent(visit, sent): Sent<Change>,
) -> Shown {
    let order = rotation::Order {
        of: "connection".to_owned(),
        id: format!("{installation}/{name}"),
        mode: sent.mode,
        reason: sent.reason,
        step: sent.step,
    };
    let own = format!("{HOME}/{}/{}", escaped(&installation), escaped(&name));
    rotation::considered(&visit, &order, &format!("{own}/rotate"), &own).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ended {
    upstream: Option<String>,
    by_hand: bool,
}

/// Ends it.
pub(super) async fn revokes(
    Path((installation, name)): Path<(String, String)>,
    Sent(visit, sent): Sent<Change>,
) -> Shown {
    let ask =
        Ask::with(Method::POST, format!("{}/revoke", path(&installation, &name)), json!({ "reason": sent.reason }));
    match visit.ask(ask).await.read::<Ended>() {
        Ok(ended) if ended.by_hand => {
            let why = ended.upstream.unwrap_or_default();
            let said = notice(
                Tone::Warn,
                "Ended here, and not at the provider",
                &html! {
                    p { "Revoke it there by hand: " (why) "." }
                },
            );
            shown(&visit, &installation, &name, &Default::default(), &said).await
        }
        Ok(_) => Ok(to(&format!("{HOME}/{}/{}", escaped(&installation), escaped(&name)))),
        Err(refused) => {
            let said = visit.said(&refused)?;
            shown(&visit, &installation, &name, &Default::default(), &said).await
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Link {
    link: String,
    redirect_uri: String,
    expires: String,
}

/// Makes a link for a consent, and shows it: here, and never again.
pub(super) async fn reconnects(
    Path((installation, name)): Path<(String, String)>,
    Sent(visit, _): Sent<Change>,
) -> Shown {
    let ask = Ask { method: Method::POST, ..Ask::get(format!("{}/authorize", path(&installation, &name))) };
    let made: Link = match visit.ask(ask).await.read() {
        Ok(made) => made,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &installation, &name, &Default::default(), &said).await;
        }
    };
    let body = html! {
        (notice(Tone::Warn, LINK_SHOWN_ONCE, &html! { p { "Whoever opens it can consent in the name of the account that they have at the provider." } }))
        (card("The link", &html! {}, &facts(&[
            ("Open it in a browser", html! { code { (made.link) } }),
            ("Good once, until", moment(&made.expires)),
            ("Redirect URI of the client", html! { code { (made.redirect_uri) } }),
        ])))
    };
    visit.show(Page {
        title: "A link for a new consent",
        lead: html! { "For " (name) " of " (installation) },
        place: Place::Connections,
        above: above(),
        acts: html! {},
        body,
    })
}
