//! The key that signs messages: replaced, or the next one made ready.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Key, Wanted, at, lies, path, shown};
use crate::{
    host::Ask,
    kit::{
        card,
        form::{form, select},
    },
    pages::{
        change::{Once, Rehearsal, hidden, would},
        view::moment,
    },
    visit::{Sent, Shown, Visit, to},
};

/// The next key is only made ready: it signs when another one is asked for.
const READY: &str = "prepare";
const HOW: [(&str, &str); 4] = [
    ("86400", "It signs at once, and the one before signs as well for a day"),
    ("604800", "It signs at once, and the one before signs as well for a week"),
    ("0", "It signs at once, and every older one ends"),
    (READY, "It is only made ready: it signs when this is asked for again"),
];
/// The same where one is ready.
const HOW_READY: [(&str, &str); 4] = [
    ("86400", "Let the ready key sign, and the one before as well for a day"),
    ("604800", "Let the ready key sign, and the one before as well for a week"),
    ("0", "Make another that signs at once: every older one ends, the ready one too"),
    (READY, "Make another one ready in its place"),
];
const SCHEMES: [(&str, &str); 3] = [("", "As until now"), ("hmac", "HMAC-SHA256"), ("ed25519", "Ed25519")];

/// The form.
pub(super) fn card_of(id: &str, keys: &[Key], token: &str) -> Markup {
    let one_is_ready = keys.iter().any(|key| key.slot == "pending");
    let body = html! {
        (select("how", "The next key", "86400", if one_is_ready { &HOW_READY } else { &HOW }))
        @if !one_is_ready { (select("next_scheme", "How it signs", "", &SCHEMES)) }
        div { button type="submit" class="primary" { "Show the next key's effect" } }
    };
    card("Another key", &html! {}, &form(&format!("{}/key", at(id)), token, &body))
}

/// What the form holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Next {
    how: String,
    next_scheme: String,
    step: String,
}

impl Next {
    /// As the API takes it.
    fn body(&self) -> Value {
        let how = self.how.as_str();
        let mut body = match how {
            READY => json!({ "prepare": true }),
            // What is no number is said by the API, with what it expects.
            _ => json!({ "overlap-seconds": how.parse::<u64>().map_or_else(|_| Value::from(how), Value::from) }),
        };
        if !self.next_scheme.is_empty() {
            body["scheme"] = self.next_scheme.as_str().into();
        }
        body
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Made {
    /// None where the one that was ready signs: it was shown when it was made.
    key: Option<String>,
    signs: bool,
    promoted: bool,
    #[serde(rename = "replaces-ready")]
    replaces_ready: bool,
    previous_until: Option<String>,
}

impl Made {
    /// What would be.
    fn means(&self) -> Markup {
        let next = match (self.promoted, self.signs) {
            (true, _) => "is the one that is ready: it signs, and no new one is made",
            (false, true) => "signs at once",
            (false, false) => "is ready, and does not sign yet",
        };
        let mut said = vec![("The next key", html! { (next) }), ("The key before it", self.before())];
        if self.replaces_ready {
            said.push(("The key that was ready", html! { "is gone: it never signs" }));
        }
        would("Another key", &said)
    }

    fn before(&self) -> Markup {
        html! {
            @match &self.previous_until {
                Some(until) => { "signs as well until " (moment(until)) }
                None if self.signs => { "ends at once" }
                None => { "goes on signing" }
            }
        }
    }
}

/// Shows what another key means, or makes it.
pub(super) async fn replaces(Path(id): Path<String>, Sent(visit, sent): Sent<Next>) -> Shown {
    let does = sent.step == "do";
    let asked = path(&id, if does { "/key" } else { "/key?dry_run=true" });
    let made: Made = match visit.ask(Ask::with(Method::POST, asked, sent.body())).await.read() {
        Ok(made) => made,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return shown(&visit, &id, &Wanted::default(), None, &said).await;
        }
    };
    if does {
        return shown_once(&visit, &id, &made);
    }
    let rehearsal = Rehearsal {
        lies: lies(&id),
        would: made.means(),
        action: &format!("{}/key", at(&id)),
        sends: hidden(&[("how", &sent.how), ("next_scheme", &sent.next_scheme)]),
        does: if made.promoted { "Let it sign" } else { "Make the key" },
        takes: false,
        back: &at(&id),
    };
    rehearsal.show(&visit)
}

/// Shows a key that was made; where none was, the back end.
fn shown_once(visit: &Visit, id: &str, made: &Made) -> Shown {
    let Some(key) = &made.key else { return Ok(to(&at(id))) };
    let once = Once {
        lies: lies(id),
        title: "The next key of the back end",
        name: "What it checks signatures with",
        value: key,
        says: html! { p { "The key before it " (made.before()) "." } },
        next: (&at(id), "To the back end"),
    };
    once.show(visit)
}
