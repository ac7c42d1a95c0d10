//! Where messages go to: set, changed, or taken away.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BackEnd, Wanted, at, events, lies, path, scheme, shown};
use crate::{
    host::Ask,
    kit::{
        card,
        form::{address, form, press, select},
    },
    pages::change::{Once, Rehearsal, hidden, would},
    visit::{Sent, Shown, Visit, to},
};

const SCHEMES: [(&str, &str); 2] =
    [("hmac", "HMAC-SHA256: a secret that both have"), ("ed25519", "Ed25519: the back end has a public key")];

/// What a form about a setting holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Setting {
    url: String,
    /// One a line.
    events: String,
    /// Empty where it has a key already.
    scheme: String,
    version: String,
    step: String,
}

impl Setting {
    /// As it is set now, but for its address: that is shown without its query, and stays where none is written.
    pub fn of(one: Option<&BackEnd>) -> Self {
        Self { events: one.map(|one| one.events.join("\n")).unwrap_or_default(), ..Self::default() }
    }

    /// The same, over the setting of this version.
    pub fn over(self, version: String) -> Self {
        Self { version, ..self }
    }

    fn keeps_address(&self) -> bool {
        self.url.trim().is_empty()
    }

    /// As the API takes it.
    fn body(&self) -> Value {
        let events: Vec<&str> = self.events.split_whitespace().collect();
        let mut body = json!({ "events": events });
        if !self.keeps_address() {
            body["url"] = self.url.trim().into();
        }
        if !self.scheme.is_empty() {
            body["scheme"] = self.scheme.as_str().into();
        }
        body
    }
}

/// The form.
pub(super) fn card_of(id: &str, filled: &Setting, is_set: bool, token: &str) -> Markup {
    let hint = match is_set {
        true => {
            "Empty: as it is now, with what follows its '?', which is not shown. The installation must be granted to send there, by POST."
        }
        false => "https, and a host name. The installation must be granted to send there, by POST.",
    };
    let body = html! {
        input type="hidden" name="version" value=(filled.version);
        (address(&filled.url, hint, is_set))
        div class="field" {
            label for="events" { "Only events of these types" }
            span class="hint" id="events-hint" { "One a line, or how they begin with '*' at the end. Empty: all that the installation is granted." }
            textarea id="events" name="events" rows="3" aria-describedby="events-hint" spellcheck="false" class="mono" { (filled.events) }
        }
        @if !is_set { (select("scheme", "Signed by", &filled.scheme, &SCHEMES)) }
        div { button type="submit" class="primary" { "Show where it would send" } }
    };
    let title = if is_set { "Send elsewhere, or let it go on" } else { "Set a back end" };
    card(title, &html! {}, &form(&format!("{}/set", at(id)), token, &body))
}

/// The button that takes it away.
pub(super) fn removal(id: &str, version: &str, token: &str) -> Markup {
    let body = html! {
        p class="quiet" { "Its keys and the messages that wait for it go with it. The plugin goes on." }
        (press(&format!("{}/remove", at(id)), token, "danger", "Show what would go", &[("version", version)]))
    };
    card("Take it away", &html! {}, &body)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Changed {
    back_end: BackEnd,
    key: Option<String>,
}

/// Shows what would be set, or sets it.
pub(super) async fn sets(Path(id): Path<String>, Sent(visit, sent): Sent<Setting>) -> Shown {
    let does = sent.step == "do";
    let asked = path(&id, if does { "" } else { "?dry_run=true" });
    let ask = Ask::with(Method::PUT, asked, sent.body()).of(&sent.version);
    let changed: Changed = match visit.ask(ask).await.read() {
        Ok(changed) => changed,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &id, &Wanted::default(), Some(sent), &said).await;
        }
    };
    if does {
        return match &changed.key {
            Some(key) => first_key(&visit, &id, key),
            None => Ok(to(&at(&id))),
        };
    }
    let one = &changed.back_end;
    let kept = if sent.keeps_address() { "as until now: " } else { "" };
    let mut said = vec![("Messages go to", html! { (kept) code { (one.url) } }), ("Which", events(&one.events))];
    if !sent.scheme.is_empty() {
        said.push(("Signed by", html! { (scheme(&sent.scheme)) ". The key is shown once, on the next page." }));
    }
    let list = one.events.join("\n");
    // The API answers an address without its query: what was sent is sent on.
    let sends = [("url", sent.url.as_str()), ("events", &list), ("scheme", &sent.scheme), ("version", &sent.version)];
    let rehearsal = Rehearsal {
        lies: lies(&id),
        would: would(&format!("In {}", one.tenant), &said),
        action: &format!("{}/set", at(&id)),
        sends: hidden(&sends),
        does: "Make it so",
        takes: false,
        back: &at(&id),
    };
    rehearsal.show(&visit)
}

fn first_key(visit: &Visit, id: &str, key: &str) -> Shown {
    let once = Once {
        lies: lies(id),
        title: "The key of the back end",
        name: "What it checks signatures with",
        value: key,
        says: html! { p { "The back end refuses each message that this key does not fit (Standard Webhooks)." } },
        next: (&at(id), "To the back end"),
    };
    once.show(visit)
}

/// Shows what would go, or takes it away.
pub(super) async fn removes(Path(id): Path<String>, Sent(visit, sent): Sent<Setting>) -> Shown {
    let ask = |rest: &str| Ask { method: Method::DELETE, ..Ask::get(path(&id, rest)) }.of(&sent.version);
    if sent.step == "do" {
        return visit.then(ask(""), &at(&id)).await;
    }
    let changed: Changed = match visit.ask(ask("?dry_run=true")).await.read() {
        Ok(changed) => changed,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &id, &Wanted::default(), None, &said).await;
        }
    };
    let said = [
        ("No message goes any more to", html! { code { (changed.back_end.url) } }),
        ("Gone with it", html! { "its keys, and the messages that wait for it" }),
    ];
    let rehearsal = Rehearsal {
        lies: lies(&id),
        would: would("What would go", &said),
        action: &format!("{}/remove", at(&id)),
        sends: hidden(&[("version", &sent.version)]),
        does: "Take it away",
        takes: true,
        back: &at(&id),
    };
    rehearsal.show(&visit)
}
