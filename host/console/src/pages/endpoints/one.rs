//! One endpoint: where alerts are posted to, set, changed or taken away.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use portcullis_model::{
    id::TenantId,
    people::{
        Resource,
        actions::{ENDPOINTS_CHANGE, ENDPOINTS_TEST},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Endpoint, KIND, LEASTS, PLATFORM, at, key, least, lies, nowhere, path, standing, told};
use crate::{
    host::Ask,
    kit::{
        card, facts,
        form::{address, form, press, select},
    },
    pages::{
        change::{Once, Rehearsal, hidden, would},
        view::{Items, moment},
    },
    shell::Page,
    visit::{Instead, Sent, Shown, Visit, to},
};

/// The version of one that is not there.
const NONE: &str = "\"0\"";

/// What a form about one holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Setting {
    url: String,
    least: String,
    version: String,
    step: String,
}

impl Setting {
    /// As it is set now, but for its address: that is shown without its query, and stays where none is written.
    fn of(one: Option<&Endpoint>) -> Self {
        Self { least: one.map_or_else(String::new, |one| one.least.clone()), ..Self::default() }
    }

    /// The same, over the setting of this version.
    fn over(self, version: String) -> Self {
        Self { version, ..self }
    }

    fn keeps_address(&self) -> bool {
        self.url.trim().is_empty()
    }

    /// As the API takes it.
    fn body(&self) -> Value {
        let mut body = json!({});
        if !self.keeps_address() {
            body["url"] = self.url.trim().into();
        }
        if !self.least.is_empty() {
            body["least"] = self.least.as_str().into();
        }
        body
    }
}

/// Shows it.
pub(super) async fn show(visit: Visit, Path(place): Path<String>) -> Shown {
    shown(&visit, &place, None, &html! {}).await
}

/// The one of a place, where it is set.
pub(super) async fn find(visit: &Visit, place: &str) -> Result<Option<Endpoint>, Instead> {
    // The platform's is the first of all.
    let all: Items<Endpoint> = visit.get(&path("", place, "&limit=200")).await?;
    Ok(all.items.into_iter().find(|one| one.place() == place))
}

/// Whether this person may change it, and may try it out.
async fn may(visit: &Visit, place: &str) -> (bool, bool) {
    let on = match place {
        PLATFORM => Resource::of_platform(KIND),
        tenant => match tenant.parse::<TenantId>() {
            Ok(tenant) => Resource::of(tenant, KIND),
            Err(_) => return (false, false),
        },
    };
    (visit.may(&ENDPOINTS_CHANGE, &on).await, visit.may(&ENDPOINTS_TEST, &on).await)
}

/// The page; with a form as it was filled in, over what is set now.
pub(super) async fn shown(visit: &Visit, place: &str, filled: Option<Setting>, said: &Markup) -> Shown {
    let found = find(visit, place).await?;
    let (may_change, may_try) = may(visit, place).await;
    let version = found.as_ref().map_or_else(|| NONE.to_owned(), |one| format!("\"{}\"", one.generation));
    let filled = filled.unwrap_or_else(|| Setting::of(found.as_ref())).over(version.clone());
    let body = html! {
        (said)
        @match &found {
            Some(one) => { (card("How it stands", &standing(one), &about(one))) }
            None => { section class="card flush" { (nowhere()) } }
        }
        div class="grid" {
            @if may_change { (setting(place, &filled, found.is_some(), visit.token())) }
            @if let Some(one) = &found {
                @if may_change { (key::another(place, visit.token())) }
                @if may_try && one.is_active() { (key::trying(place, visit.token())) }
                @if may_change { (removal(place, &version, visit.token())) }
            }
        }
    };
    let (lies, above) = lies(None);
    visit.show(Page {
        title: &told(place),
        lead: html! { "Where they are posted to, how severe they are at least, and what it is signed with." },
        place: lies,
        above,
        acts: html! { a class="button" href="/console/audit?q=kind%3Dalert.delivery" { "What became of messages" } },
        body,
    })
}

fn about(one: &Endpoint) -> Markup {
    let mut all = vec![
        ("Posted to", html! { code { (one.url) } }),
        ("Which", html! { (least(&one.least)) }),
        ("Failures since the last success", html! { (one.health.failures) }),
    ];
    let when = [
        ("Disabled since", &one.since),
        ("Failing since", &one.health.failing_since),
        ("Nothing is posted before", &one.health.not_before),
    ];
    all.extend(when.into_iter().filter_map(|(name, at)| at.as_deref().map(|at| (name, moment(at)))));
    let why = [("Why it is disabled", &one.why), ("What went wrong last", &one.health.last_error)];
    all.extend(why.into_iter().filter_map(|(name, why)| why.as_ref().map(|why| (name, html! { (why) }))));
    facts(&all)
}

fn setting(place: &str, filled: &Setting, is_set: bool, token: &str) -> Markup {
    let hint = match is_set {
        true => "Empty: as it is now, with what follows its '?', which is not shown.",
        false => "https, and a host name. What follows its '?' is shown to nobody.",
    };
    let body = html! {
        input type="hidden" name="version" value=(filled.version);
        (address(&filled.url, hint, is_set))
        (select("least", "How severe at least", &filled.least, &LEASTS))
        div { button type="submit" class="primary" { "Show where they would go" } }
    };
    let title = if is_set { "Post elsewhere, or let it go on" } else { "Have alerts posted" };
    card(title, &html! {}, &form(&format!("{}/set", at(place)), token, &body))
}

fn removal(place: &str, version: &str, token: &str) -> Markup {
    let body = html! {
        p class="quiet" { "Its keys and what waits for it go with it. Alerts are raised and shown as before." }
        (press(&format!("{}/remove", at(place)), token, "danger", "Show what would go", &[("version", version)]))
    };
    card("Take it away", &html! {}, &body)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Changed {
    endpoint: Endpoint,
    key: Option<String>,
}

/// Shows what would be set, or sets it.
pub(super) async fn sets(Path(place): Path<String>, Sent(visit, sent): Sent<Setting>) -> Shown {
    let does = sent.step == "do";
    let asked = path("", &place, if does { "" } else { "&dry_run=true" });
    let ask = Ask::with(Method::PUT, asked, sent.body()).of(&sent.version);
    let changed: Changed = match visit.ask(ask).await.read() {
        Ok(changed) => changed,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &place, Some(sent), &said).await;
        }
    };
    match (does, &changed.key) {
        (false, _) => considered(&visit, &place, &sent, &changed.endpoint),
        (true, Some(key)) => first_key(&visit, &place, key),
        (true, None) => Ok(to(&at(&place))),
    }
}

fn considered(visit: &Visit, place: &str, sent: &Setting, one: &Endpoint) -> Shown {
    let kept = if sent.keeps_address() { "as until now: " } else { "" };
    let mut said = vec![("Posted to", html! { (kept) code { (one.url) } }), ("Which", html! { (least(&one.least)) })];
    if sent.version == NONE {
        said.push(("Signed with", html! { "a key that is made then, and shown once, on the next page" }));
    }
    // The API answers an address without its query: what was sent is sent on.
    let sends = [("url", sent.url.as_str()), ("least", &sent.least), ("version", &sent.version)];
    let rehearsal = Rehearsal {
        lies: lies(Some(place)),
        would: would(&told(place), &said),
        action: &format!("{}/set", at(place)),
        sends: hidden(&sends),
        does: "Make it so",
        takes: false,
        back: &at(place),
    };
    rehearsal.show(visit)
}

fn first_key(visit: &Visit, place: &str, key: &str) -> Shown {
    let once = Once {
        lies: lies(Some(place)),
        title: "The key of these messages",
        name: "What signatures are checked with",
        value: key,
        says: html! { p { "Whoever is told refuses each message that this key does not fit (Standard Webhooks)." } },
        next: (&at(place), "To the endpoint"),
    };
    once.show(visit)
}

/// Shows what would go, or takes it away.
pub(super) async fn removes(Path(place): Path<String>, Sent(visit, sent): Sent<Setting>) -> Shown {
    let does = sent.step == "do";
    let asked = path("", &place, if does { "" } else { "&dry_run=true" });
    let ask = Ask { method: Method::DELETE, ..Ask::get(asked) }.of(&sent.version);
    let changed: Changed = match visit.ask(ask).await.read() {
        Ok(_) if does => return Ok(to(&at(&place))),
        Ok(changed) => changed,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &place, None, &said).await;
        }
    };
    let said = [
        ("Nothing is posted any more to", html! { code { (changed.endpoint.url) } }),
        ("Gone with it", html! { "its keys, and what waits for it" }),
    ];
    let rehearsal = Rehearsal {
        lies: lies(Some(&place)),
        would: would("What would go", &said),
        action: &format!("{}/remove", at(&place)),
        sends: hidden(&[("version", &sent.version)]),
        does: "Take it away",
        takes: true,
        back: &at(&place),
    };
    rehearsal.show(&visit)
}
