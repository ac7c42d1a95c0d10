//! One source: where it sends to, how its secret stands, and what can be done about it.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use portcullis_model::people::actions::SOURCES_CHANGE;
use serde::Deserialize;
use serde_json::json;

use super::{HOME, Made, Source, at, chosen, lies, registered, replaced, secret_field, sends, standing};
use crate::{
    host::Ask,
    kit::{
        card, facts,
        form::{form, press, select},
    },
    pages::{
        change::{Rehearsal, hidden, would},
        view::moment,
    },
    shell::Page,
    strings::SHOW_CHANGE,
    visit::{Sent, Shown, Visit, escaped},
};

/// How long the secret before is accepted as well, in seconds.
const OVERLAPS: [(&str, &str); 4] = [
    ("", "It stays good as policy says"),
    ("3600", "It stays good for an hour"),
    ("86400", "It stays good for a day"),
    ("0", "It ends at once"),
];

fn path(name: &str, rest: &str) -> String {
    format!("/sources/{}{rest}", escaped(name))
}

/// Shows it.
pub(super) async fn show(visit: Visit, Path(name): Path<String>) -> Shown {
    shown(&visit, &name, "", &html! {}).await
}

/// The page; with this overlap chosen.
async fn shown(visit: &Visit, name: &str, overlap: &str, said: &Markup) -> Shown {
    let one: Source = visit.get(&path(name, "")).await?;
    let may = visit.may_to(&SOURCES_CHANGE, &one.tenant, "source", name).await;
    let body = html! {
        (said)
        (card("How it stands", &standing(&one), &about(&one)))
        @if may { div class="grid" { (acts(&one, overlap, visit.token())) } }
    };
    let (place, above) = lies(None);
    visit.show(Page {
        title: &one.name,
        lead: html! { (sends(&one.form)) ", into " strong { (one.tenant) } },
        place,
        above,
        acts: html! {},
        body,
    })
}

fn about(one: &Source) -> Markup {
    let when = |at: &Option<String>, none: &str| html! { @if let Some(at) = at { (moment(at)) } @else { (none) } };
    facts(&[
        ("Sends to, on this host", html! { code { (one.path) } }),
        ("Has its secret since", when(&one.issued, "not known")),
        ("The one before is good until", when(&one.both_until, "only one is accepted")),
        ("Replaced", html! { (replaced(one)) }),
    ])
}

fn acts(one: &Source, overlap: &str, token: &str) -> Markup {
    let own = at(&one.name);
    html! {
        (card("Another secret", &html! {}, &form(&format!("{own}/rotate"), token, &html! {
            @if one.revoked.is_some() { p class="quiet" { "None is accepted now: what it sends is refused until it has another." } }
            @else {
                p class="quiet" { "Both are accepted for a while: give its sender the new one meanwhile." }
                (select("overlap", "The one before", overlap, &OVERLAPS))
            }
            div { button type="submit" class="primary" { (SHOW_CHANGE) } }
        })))
        (card("Take it away", &html! {}, &html! {
            p class="quiet" { "What it sends is refused within a second. Events that were taken already are delivered." }
            (press(&format!("{own}/remove"), token, "danger", "Show what would go", &[]))
        }))
    }
}

/// What a form about one holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    overlap: String,
    secret: String,
    step: String,
}

/// Shows what another secret means, or gives it one.
pub(super) async fn rotates(Path(name): Path<String>, Sent(visit, sent): Sent<Change>) -> Shown {
    let does = sent.step == "do";
    let mut body = json!({});
    if let Some(secret) = chosen(&sent.secret) {
        body["secret"] = secret.into();
    }
    if !sent.overlap.is_empty() {
        // What is no number is said by the API, with what it expects.
        let overlap = sent.overlap.as_str();
        body["overlap-seconds"] = overlap.parse::<u64>().map_or_else(|_| overlap.into(), Into::into);
    }
    let asked = path(&name, if does { "/secret" } else { "/secret?dry_run=true" });
    let made: Made = match visit.ask(Ask::with(Method::POST, asked, body)).await.read() {
        Ok(made) => made,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &name, &sent.overlap, &said).await;
        }
    };
    if does {
        return registered(&visit, &made, &format!("The next secret of {name}"));
    }
    let one = &made.source;
    let before = html! {
        @if let Some(until) = &one.both_until { "is good until " (moment(until)) } @else { "ends at once: what is still signed with it is refused" }
    };
    let said =
        [("The secret before", before), ("Replaced", html! { (replaced(one)) }), ("Tenant", html! { (one.tenant) })];
    let rehearsal = Rehearsal {
        lies: lies(Some(&name)),
        would: would("Another secret", &said),
        action: &format!("{}/rotate", at(&name)),
        sends: html! { (hidden(&[("overlap", &sent.overlap)])) (secret_field(&visit, &one.form).await) },
        does: "Give it another secret",
        takes: false,
        back: &at(&name),
    };
    rehearsal.show(&visit)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Removed {
    source: Source,
}

/// Shows what would go, or takes it away.
pub(super) async fn removes(Path(name): Path<String>, Sent(visit, sent): Sent<Change>) -> Shown {
    let ask = |rest: &str| Ask { method: Method::DELETE, ..Ask::get(path(&name, rest)) };
    if sent.step == "do" {
        return visit.then(ask(""), HOME).await;
    }
    let Removed { source: one } = match visit.ask(ask("?dry_run=true")).await.read() {
        Ok(removed) => removed,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &name, "", &said).await;
        }
    };
    let said = [
        ("Source", html! { (one.name) ", with its secrets" }),
        ("What it sends", html! { (sends(&one.form)) ": refused within a second" }),
        ("Events came into", html! { (one.tenant) ": those that were taken already are delivered" }),
    ];
    let rehearsal = Rehearsal {
        lies: lies(Some(&name)),
        would: would("What would go", &said),
        action: &format!("{}/remove", at(&name)),
        sends: html! {},
        does: "Take it away",
        takes: true,
        back: &at(&name),
    };
    rehearsal.show(&visit)
}
