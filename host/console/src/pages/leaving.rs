//! `/console/installations/{id}/uninstall`, `restore` and `receipt`: an installation that leaves: taken away, taken back, and the proof
//! that what it stored is erased.
//!
//! Invariant: what would go is said before it goes, and only whoever may take it away sees how.

use std::collections::BTreeMap;

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use portcullis_model::people::actions::INSTALLATIONS_UNINSTALL;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    change::{Lies, Rehearsal, hidden, would},
    installation::{above, at},
    view::{Installation, moment},
};
use crate::{
    host::Ask,
    kit::{
        Tone, card, facts,
        form::{form, press, select},
        notice,
    },
    shell::Page,
    strings::Place,
    visit::{Sent, Shown, Visit, escaped, to},
};

/// How long where nobody chooses.
const USUAL: &str = "2592000";
/// Erased at once.
const NOW: &str = "now";
/// How long what it stored can be kept: in seconds, and in words.
const SPANS: &[(&str, &str)] = &[
    (USUAL, "for thirty days"),
    ("604800", "for seven days"),
    ("86400", "for a day"),
    (NOW, "not at all: erased at once"),
];

fn path(id: &str, rest: &str) -> String {
    format!("/installations/{}/{rest}", escaped(id))
}

/// What an installation's page has of this.
pub(super) async fn part(visit: &Visit, one: &Installation, version: &str) -> Markup {
    let may = visit.may_to(&INSTALLATIONS_UNINSTALL, &one.tenant, "installation", &one.id).await;
    match one.state.as_str() {
        "active" | "suspended" if may => uninstall(one, version, visit.token()),
        "uninstalled" => card("Take back", &html! {}, &back(one, version, visit.token(), may)),
        "erased" => card(
            "Receipt",
            &html! {},
            &html! {
                p { "What it stored is erased." }
                div { a class="button" href={ (at(&one.id)) "/receipt" } { "See the receipt" } }
            },
        ),
        _ => html! {},
    }
}

fn uninstall(one: &Installation, version: &str, token: &str) -> Markup {
    let body = html! {
        p {
            "It stops for good: its credentials are ended here and at their providers, its client and back end go, and deliveries that wait are closed. "
            "What it stored is kept for a time, in which you can take it back."
        }
        (hidden(&[("version", version)]))
        div class="field" {
            label for="uninstall-reason" { "For what reason" }
            input type="text" id="uninstall-reason" name="reason" required maxlength="500" autocomplete="off";
        }
        (select("keep", "What it stored is kept", USUAL, SPANS))
        div { button type="submit" class="danger" { "Show what would go" } }
    };
    card("Uninstall", &html! {}, &form(&format!("{}/uninstall", at(&one.id)), token, &body))
}

fn back(one: &Installation, version: &str, token: &str, may: bool) -> Markup {
    html! {
        p {
            "What it stored is there "
            @if let Some(purge_at) = &one.purge_at { "until " (moment(purge_at)) } @else { "for now" }
            ", and then erased. Taken back, it is suspended: its connections are added again before it runs."
        }
        @if may { (press(&format!("{}/restore", at(&one.id)), token, "primary", "Take it back", &[("version", version)])) }
    }
}

/// What a form about one that leaves holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Leaves {
    version: String,
    reason: String,
    keep: String,
    step: String,
}

impl Leaves {
    /// What the API is asked for; nothing where the time is none.
    fn body(&self) -> Value {
        match self.keep.parse::<u64>() {
            Ok(seconds) => json!({ "reason": self.reason, "keep_for": seconds }),
            Err(_) => json!({ "reason": self.reason, "now": self.keep == NOW }),
        }
    }
}

/// What uninstalling did, or would do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Uninstalled {
    installation: Installation,
    stopped: Stopped,
    credentials: Vec<Credential>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stopped {
    secrets: u64,
    deliveries: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Credential {
    name: String,
    provider: Option<String>,
    fate: String,
    why: Option<String>,
}

impl Credential {
    /// Whether somebody has to revoke it at its provider.
    fn is_left(&self) -> bool {
        self.provider.is_some() && matches!(self.fate.as_str(), "failed" | "not-offered")
    }
}

/// Shows what would go, or uninstalls it.
pub(crate) async fn uninstalls(Path(id): Path<String>, Sent(visit, sent): Sent<Leaves>) -> Shown {
    let does = sent.step == "do";
    let rehearsal = if does { "" } else { "?dry_run=true" };
    let ask = Ask::with(Method::POST, path(&id, &format!("uninstall{rehearsal}")), sent.body()).of(&sent.version);
    let answer = visit.ask(ask).await;
    match answer.read::<Uninstalled>() {
        Ok(done) if does => gone(&visit, &id, &done),
        Ok(found) => considered(&visit, &id, &sent, &found),
        Err(refused) => Err(visit.refused(&refused).into()),
    }
}

fn considered(visit: &Visit, id: &str, sent: &Leaves, found: &Uninstalled) -> Shown {
    let (one, stopped) = (&found.installation, &found.stopped);
    let erased = match sent.keep == NOW {
        true => html! { "at once, and cannot be had back" },
        false => {
            html! { @if let Some(purge_at) = &one.purge_at { (moment(purge_at)) "; until then you can take it back" } }
        }
    };
    let said = [
        ("Installation", html! { (one.plugin) " (" (one.id) ") in " strong { (one.tenant) } }),
        ("Credentials that end, here and at their providers", html! { (stopped.secrets) }),
        ("Deliveries that are closed", html! { (stopped.deliveries) }),
        ("Values, files and log lines that it stored are erased", erased),
        ("Its client, the client's tokens and its back end", html! { "go with it, and do not come back" }),
        ("Why", html! { (sent.reason) }),
    ];
    let lies: Lies = (Place::Installations, above(one));
    let rehearsal = Rehearsal {
        lies,
        would: would("What would go", &said),
        action: &format!("{}/uninstall", at(id)),
        sends: hidden(&[("version", &sent.version), ("reason", &sent.reason), ("keep", &sent.keep)]),
        does: "Uninstall it",
        takes: true,
        back: &at(id),
    };
    rehearsal.show(visit)
}

/// Leads back to it; where a credential lives on at its provider, a page says so first.
fn gone(visit: &Visit, id: &str, done: &Uninstalled) -> Shown {
    let left: Vec<&Credential> = done.credentials.iter().filter(|one| one.is_left()).collect();
    if left.is_empty() {
        return Ok(to(&at(id)));
    }
    let body = html! {
        (notice(Tone::Warn, "Ended here, and not at the provider", &html! {
            p { "Nothing carries these credentials any more. Revoke them by hand where they were issued:" }
            ul { @for one in left { li {
                (one.name) " at " (one.provider.as_deref().unwrap_or("its provider"))
                @if let Some(why) = &one.why { ": " (why) }
            } } }
        }))
        div { a class="button" href=(at(id)) { "Back to the installation" } }
    };
    visit.show(Page {
        title: "Uninstalled",
        lead: html! { "Nothing of it runs any more." },
        place: Place::Installations,
        above: above(&done.installation),
        acts: html! {},
        body,
    })
}

/// Takes it back.
pub(crate) async fn restores(Path(id): Path<String>, Sent(visit, sent): Sent<Leaves>) -> Shown {
    let ask = Ask { method: Method::POST, ..Ask::get(path(&id, "restore")) };
    visit.then(ask.of(&sent.version), &at(&id)).await
}

/// The receipt of an erasure.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Receipt {
    installation: String,
    tenant: String,
    time: String,
    index: u64,
    erased: BTreeMap<String, Value>,
    proof: Value,
}

/// Shows that it is erased.
pub(crate) async fn receipt(visit: Visit, Path(id): Path<String>) -> Shown {
    let found: Receipt = visit.get(&path(&id, "receipt")).await?;
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let counts: Vec<(&str, Markup)> =
        found.erased.iter().map(|(name, value)| (name.as_str(), html! { (shown(value)) })).collect();
    let proof = serde_json::to_string_pretty(&found.proof).unwrap_or_default();
    let body = html! {
        (card("What was erased", &html! {}, &facts(&counts)))
        (card("The proof", &html! {}, &html! {
            p {
                "That the log says so: entry " a href={ "/console/audit/" (found.index) } { (found.index) }
                ". With the log's public key anybody can check it without this host, by " code { "portcullis audit check-proof" } "."
            }
            pre tabindex="0" { (proof) }
        }))
    };
    visit.show(Page {
        title: "Receipt of an erasure",
        lead: html! { (found.installation) " in " strong { (found.tenant) } ", erased at " (moment(&found.time)) },
        place: Place::Installations,
        above: vec![("/console/installations".to_owned(), "Installations".to_owned()), (at(&id), id.clone())],
        acts: html! {},
        body,
    })
}
