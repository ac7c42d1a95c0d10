//! `/console/vault`: the stored secrets and the keys that they are under, by number and state; and new keys for them (INT-5, DAT-6).
//!
//! Invariants: no key and no secret is on the page; how much there is to do is said before a key is made.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    routing::{get, post},
};
use http::Method;
use maud::{Markup, html};
use portcullis_model::people::{Resource, actions::VAULT_ROTATE};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    change::{Rehearsal, hidden, would},
    view::moment,
};
use crate::{
    host::{Ask, Host},
    kit::{
        Tone, badge, card, card_flush, empty,
        form::{form, select},
        notice,
        table::{number, table, text},
    },
    shell::Page,
    strings::{Place, SHOW_CHANGE},
    visit::{Sent, Shown, Visit},
};

const HOME: &str = "/console/vault";
const ROTATE: &str = "/console/vault/rotate";
const TITLE: &str = "Keys and secrets";
/// Which keys can be made anew.
const LAYERS: [(&str, &str); 3] = [
    ("", "Those of both layers"),
    ("data", "Data keys alone, which seal secrets"),
    ("wrapping", "The key-encryption key alone, which wraps data keys"),
];

/// The routes of all of this.
pub(crate) fn routes() -> Router<Arc<dyn Host>> {
    Router::new().route(HOME, get(show)).route(ROTATE, post(rotates))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Status {
    wrapping_keys: Vec<Wrapping>,
    tenants: BTreeMap<String, Tenant>,
    unopened: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Wrapping {
    name: String,
    at_hand: bool,
    wraps: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Tenant {
    /// By the key's number, how many secrets it seals.
    data_keys: BTreeMap<u64, u64>,
    key_made: Option<String>,
    /// By how they stand, how many secrets.
    standing: BTreeMap<String, u64>,
}

/// What somebody asks for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Turning {
    only: String,
    tenant: String,
    step: String,
}

impl Turning {
    fn body(&self) -> Value {
        let mut body = json!({});
        for (name, value) in [("only", &self.only), ("tenant", &self.tenant)] {
            if !value.is_empty() {
                body[name] = value.as_str().into();
            }
        }
        body
    }
}

/// Shows how they stand.
async fn show(visit: Visit) -> Shown {
    shown(&visit, &Turning::default(), &html! {}).await
}

async fn shown(visit: &Visit, filled: &Turning, said: &Markup) -> Shown {
    let found: Status = visit.get("/vault").await?;
    let may = visit.may(&VAULT_ROTATE, &Resource::of_platform("vault")).await;
    let body = html! {
        (said)
        (unopened(&found.unopened))
        (card_flush("Secrets, tenant by tenant", &html! {}, &tenants(&found.tenants)))
        (card_flush("Key-encryption keys", &html! {}, &wrapping(&found.wrapping_keys)))
        @if may { (card("Make new keys", &html! {}, &turning(visit, &found, filled))) }
    };
    visit.show(Page {
        title: TITLE,
        lead: html! { "Each tenant's secrets are sealed by a data key of its own, and data keys are wrapped by a key-encryption key. Neither is shown." },
        place: Place::Vault,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}

fn unopened(all: &[String]) -> Markup {
    if all.is_empty() {
        return html! {};
    }
    notice(
        Tone::Bad,
        "Not everything opens",
        &html! {
            ul { @for why in all { li { (why) } } }
            p { "What is sealed under a key that is not at hand opens again as soon as that key is back. Where it is lost for good: "
                code { "portcullis vault give-up" } "." }
        },
    )
}

fn tenants(all: &BTreeMap<String, Tenant>) -> Markup {
    if all.is_empty() {
        return empty(
            "No secret is stored",
            &html! { p { "Secrets come with " a href="/console/connections" { "connections" } ", " a href="/console/sources" { "sources" } " and back ends." } },
        );
    }
    let rows = all.iter().map(|(name, one)| {
        vec![
            html! { (name) },
            html! { (one.standing.values().sum::<u64>()) },
            html! { @for (word, count) in &one.standing { (standing(word, *count)) " " } },
            keys(&one.data_keys),
            html! { @if let Some(made) = &one.key_made { (moment(made)) } @else { "–" } },
        ]
    });
    let columns = [text("Tenant"), number("Secrets"), text("How they stand"), text("Data key"), text("Made")];
    table("Secrets and data keys, tenant by tenant", &columns, rows.collect())
}

/// The key that is in use, and those before it that still seal something.
fn keys(all: &BTreeMap<u64, u64>) -> Markup {
    let Some((newest, _)) = all.last_key_value() else { return html! { "None" } };
    let older = all.iter().filter(|(number, seals)| *number != newest && **seals > 0);
    html! {
        "Number " (newest)
        @for (number, seals) in older { span class="small quiet" { "number " (number) " still seals " (seals) } }
    }
}

fn standing(word: &str, count: u64) -> Markup {
    let (tone, words) = match word {
        "ready" => (Tone::Good, "ready"),
        "renewing" => (Tone::Accent, "being renewed"),
        "cooling" => (Tone::Warn, "renewal failed"),
        "consent-needed" => (Tone::Bad, "consent needed"),
        "revoked" => (Tone::Plain, "ended"),
        other => (Tone::Plain, other),
    };
    badge(tone, &format!("{count} {words}"))
}

fn wrapping(all: &[Wrapping]) -> Markup {
    let rows = all.iter().enumerate().map(|(at, one)| {
        vec![
            html! { code { (one.name) } @if at == 0 { span class="small quiet" { "wraps what is new" } } },
            html! { @if one.at_hand { (badge(Tone::Good, "at hand")) } @else { (badge(Tone::Bad, "not at hand")) } },
            html! { (one.wraps) },
        ]
    });
    let columns = [text("Key"), text("State"), number("Data keys that it wraps")];
    match all.is_empty() {
        true => empty("There is none yet", &html! { p { "The first one is used when the first secret is stored." } }),
        false => table("Key-encryption keys, the current one first", &columns, rows.collect()),
    }
}

fn turning(visit: &Visit, found: &Status, filled: &Turning) -> Markup {
    let tenants: Vec<(&str, &str)> =
        std::iter::once(("", "All")).chain(found.tenants.keys().map(|name| (name.as_str(), name.as_str()))).collect();
    let body = html! {
        p {
            "Everything goes on meanwhile, and old keys are dropped when nothing is under them any more. A key-encryption key in a file is made anew there: "
            "copies of that file from before open nothing that is stored later, so make another one. "
            "One in an environment variable or with a program is not made here: name the new one first, and restart the host."
        }
        div class="grid" {
            (select("only", "Which keys", &filled.only, &LAYERS))
            (select("tenant", "Data keys of which tenant", &filled.tenant, &tenants))
        }
        div { button type="submit" class="primary" { (SHOW_CHANGE) } }
    };
    form(ROTATE, visit.token(), &body)
}

/// What was done, or how much there is to do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Done {
    made: u64,
    rewrapped: u64,
    resealed: u64,
    dropped: u64,
}

impl Done {
    fn facts(&self) -> [(&'static str, Markup); 4] {
        [
            ("Data keys that are made", html! { (self.made) }),
            ("Data keys that are wrapped anew", html! { (self.rewrapped) }),
            ("Secrets that are sealed anew", html! { (self.resealed) }),
            ("Old keys that are dropped", html! { (self.dropped) }),
        ]
    }
}

/// Shows how much there is to do, or makes new keys.
async fn rotates(Sent(visit, sent): Sent<Turning>) -> Shown {
    let does = sent.step == "do";
    let rehearsal = if does { "" } else { "?dry_run=true" };
    let ask = Ask::with(Method::POST, format!("/vault/rotate-keys{rehearsal}"), sent.body());
    let done: Done = match visit.ask(ask).await.read() {
        Ok(done) => done,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &sent, &said).await;
        }
    };
    if does {
        let said = notice(
            Tone::Good,
            "The keys are new",
            &html! { p {
                "Data keys made: " (done.made) ", wrapped anew: " (done.rewrapped) ". Secrets sealed anew: " (done.resealed)
                ". Old keys dropped: " (done.dropped) "."
            } },
        );
        return shown(&visit, &Turning::default(), &said).await;
    }
    let rehearsal = Rehearsal {
        lies: (Place::Vault, vec![(HOME.to_owned(), TITLE.to_owned())]),
        would: would("New keys", &done.facts()),
        action: ROTATE,
        sends: hidden(&[("only", sent.only.as_str()), ("tenant", sent.tenant.as_str())]),
        does: "Make the keys",
        takes: false,
        back: HOME,
    };
    rehearsal.show(&visit)
}
