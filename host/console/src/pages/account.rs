//! `/console/account`: one's own sessions, devices and factors. The lists are filled by the script from `/signin`, which answers
//! for them.

use maud::html;

use crate::{
    kit::{
        card,
        form::{TOKEN, Text},
    },
    shell::Page,
    strings::Place,
    visit::{Shown, Visit},
};

/// Shows it.
pub(crate) async fn show(visit: Visit) -> Shown {
    let token = visit.token().to_owned();
    let hidden = html! { input type="hidden" name=(TOKEN) value=(token); };
    let says = html! { div data-says role="status" aria-live="polite" {} };
    let body = html! {
        (card("Sessions and devices", &html! {}, &html! {
            p class="quiet" { "Where you are signed in. What is called a new device began where you had never signed in before, and stands first until you say whether it was you. Say of what you do not know that it was not you: every session ends then, this one too." }
            ul class="plain" data-list="/signin/sessions" data-items="sessions" data-title="device" data-lines="new-device: a new device; address: from $; created: since $; used: last used $"
                data-end="/signin/sessions/end" data-id="session" data-not-me="This was not me"
                data-known="/signin/sessions/known" data-was-me="It was me" data-notice="Signed in from a new device. Was it not you? End it."
                data-token=(token) {}
            form data-json="/signin/sessions/end" data-next="/console/account" {
                (hidden)
                button type="submit" class="danger" { "End all other sessions" }
                (says)
            }
        }))
        (card("How you prove who you are", &html! {}, &html! {
            ul class="plain" data-list="/signin/factors" data-items="factors" data-title="label" data-lines="kind: $; created: since $; used: last used $; left: $ left"
                data-end="/signin/factors/remove" data-id="factor" data-token=(token) {}
            div class="grid" {
                form class="fields" data-passkey="create" data-begin="/signin/factors/passkey/begin"
                    data-finish="/signin/factors/passkey/finish" data-next="/console/account" {
                    (hidden)
                    (Text { name: "label", label: "Name of a new passkey", optional: true, ..Text::default() }.show())
                    button type="submit" { "Add a passkey" }
                    (says)
                }
                form class="fields" data-json="/signin/factors/totp" data-shows-answer="secret" {
                    (hidden)
                    button type="submit" { "Add an authenticator app" }
                    (says)
                }
                form class="fields" data-json="/signin/factors/recovery" data-shows-answer="codes" {
                    (hidden)
                    button type="submit" { "Make recovery codes" }
                    (says)
                }
            }
            form class="fields" data-json="/signin/provider/bind" data-goes="url" {
                (hidden)
                (Text { name: "tenant", label: "Your organisation", hint: "To sign in through it from now on, too. Its short name here.",
                    ..Text::default() }.show())
                button type="submit" { "Connect its sign-in" }
                (says)
            }
        }))
    };
    visit.show(Page {
        title: "Your account",
        lead: html! { "There is no password. Keep two passkeys, or one and recovery codes." },
        place: Place::Overview,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}
