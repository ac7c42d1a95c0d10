//! `/console/sign-in`, `/console/join` and `/console/step-up`: the ways in, which are asked of the endpoints under `/signin`. A provider's
//! address comes from those, never from a page.
//!
//! Invariant: what an invitation's link holds stays behind its `#`: only the script reads it, and only the form sends it.

use axum::{extract::Query, http::StatusCode, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    kit::form::{TOKEN, Text},
    shell::narrow,
    visit::{Visit, inside},
};

/// Where to go afterwards.
#[derive(Deserialize)]
pub(crate) struct Next {
    next: Option<String>,
}

const SCRIPT: &str = "Passkeys need JavaScript: it talks to this device, and to nobody else.";

fn says() -> Markup {
    html! { div data-says role="status" aria-live="polite" {} noscript { p class="notice warn" { (SCRIPT) } } }
}

/// Signs in with a passkey, or with a recovery code.
pub(crate) async fn sign_in(Query(Next { next }): Query<Next>) -> Response {
    let next = inside(next.as_deref());
    let body = html! {
        p class="lead" { "Use the passkey of this device, of your phone, or of a security key." }
        form class="fields" data-passkey="get" data-begin="/signin/passkey/begin" data-finish="/signin/passkey/finish" data-next=(next) {
            button type="submit" class="primary" { "Sign in with a passkey" }
            (says())
        }
        details {
            summary { "Sign in through my organisation" }
            form class="fields" data-json="/signin/provider/begin" data-goes="url" {
                (Text { name: "tenant", label: "Your organisation", hint: "Its short name here, such as: acme", ..Text::default() }.show())
                button type="submit" { "Go to its sign-in" }
                (says())
            }
        }
        details {
            summary { "I have lost my passkey" }
            form class="fields" data-json="/signin/recovery" data-next="/console/account" {
                (Text { name: "email", label: "Your e-mail address", kind: "email", ..Text::default() }.show())
                (Text { name: "code", label: "A recovery code", hint: "Each works once.", ..Text::default() }.show())
                button type="submit" { "Sign in with a recovery code" }
                (says())
            }
        }
    };
    narrow(StatusCode::OK, "Sign in", &body)
}

/// Takes an invitation: makes the first passkey.
pub(crate) async fn join() -> Response {
    let body = html! {
        p class="lead" { "You were invited. Make a passkey, and the account is yours: there is no password." }
        form class="fields" data-passkey="create" data-begin="/signin/join/begin" data-finish="/signin/join/finish" data-hash="token"
            data-next="/console" {
            (Text { name: "label", label: "What you call this device", hint: "Such as: work laptop", optional: true, ..Text::default() }
                .show())
            button type="submit" class="primary" { "Make a passkey" }
            (says())
        }
        details {
            summary { "My organisation has a sign-in of its own" }
            form class="fields" data-json="/signin/provider/join" data-hash="token" data-goes="url" {
                button type="submit" { "Join through my organisation" }
                (says())
            }
        }
    };
    narrow(StatusCode::OK, "Join", &body)
}

/// Proves once more who asks, before something that needs it (ACC-3).
pub(crate) async fn step_up(visit: Visit, Query(Next { next }): Query<Next>) -> Response {
    let next = inside(next.as_deref());
    let body = html! {
        p class="lead" { "What you are about to do needs a fresh proof that it is you." }
        form class="fields" data-passkey="get" data-begin="/signin/step-up/begin" data-finish="/signin/step-up/passkey" data-next=(next) {
            input type="hidden" name=(TOKEN) value=(visit.token());
            button type="submit" class="primary" { "Confirm with a passkey" }
            (says())
        }
        details {
            summary { "Use a code from an authenticator app" }
            form class="fields" data-json="/signin/step-up/code" data-next=(next) {
                input type="hidden" name=(TOKEN) value=(visit.token());
                (Text { name: "code", label: "Six digits", ..Text::default() }.show())
                button type="submit" { "Confirm" }
                (says())
            }
        }
        details {
            summary { "Confirm at my organisation" }
            form class="fields" data-json="/signin/provider/step-up" data-goes="url" {
                input type="hidden" name=(TOKEN) value=(visit.token());
                p class="quiet" { "Where you signed in through it, and it asks for a second factor." }
                button type="submit" { "Go to its sign-in" }
                (says())
            }
        }
        p { a href=(next) { "Back, without it" } }
    };
    narrow(StatusCode::OK, "Confirm that it is you", &body)
}
