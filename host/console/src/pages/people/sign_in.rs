//! `/console/people/{place}/sign-in`: the OpenID provider by which a tenant's people sign in (ACC-2), and what has to be registered there.
//!
//! Invariant: the host's secret there is sent on and never shown, nor written back into a form that failed.

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{above, at};
use crate::{
    host::Ask,
    kit::{
        card, facts,
        form::{Text, form, tick},
    },
    shell::Page,
    strings::Place,
    visit::{Sent, Shown, Visit, escaped, to},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct SignIn {
    provider: Option<Provider>,
    has_secret: bool,
    redirect_uri: Option<String>,
    logout_uri: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Provider {
    issuer: String,
    client_id: String,
    only: bool,
    second_factor_acr: Vec<String>,
    second_factor_amr: Vec<String>,
    require_second_factor: bool,
    max_age_minutes: Option<u32>,
}

/// What is set.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Setting {
    issuer: String,
    client_id: String,
    client_secret: String,
    public_client: String,
    only: String,
    acr: String,
    amr: String,
    require_second_factor: String,
    max_age_minutes: String,
    version: String,
}

fn own(place: &str) -> String {
    format!("{}/sign-in", at(place))
}

fn of_api(place: &str) -> String {
    format!("/sign-in/providers/{}", escaped(place))
}

fn yes(is: bool) -> String {
    if is { "yes".to_owned() } else { String::new() }
}

impl Setting {
    fn of(found: &SignIn, version: String) -> Self {
        let Some(one) = &found.provider else { return Self { version, ..Self::default() } };
        Self {
            issuer: one.issuer.clone(),
            client_id: one.client_id.clone(),
            client_secret: String::new(),
            public_client: yes(!found.has_secret),
            only: yes(one.only),
            acr: one.second_factor_acr.join(" "),
            amr: one.second_factor_amr.join(" "),
            require_second_factor: yes(one.require_second_factor),
            max_age_minutes: one.max_age_minutes.map(|minutes| minutes.to_string()).unwrap_or_default(),
            version,
        }
    }

    /// As the API takes it.
    fn body(&self) -> Value {
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let minutes = self.max_age_minutes.trim();
        // What is no number is said by the API, with what it expects.
        let number = minutes.parse::<u32>().map_or_else(|_| json!(minutes), |number| json!(number));
        json!({
            "issuer": self.issuer.trim(),
            "client-id": self.client_id.trim(),
            "client-secret": Some(self.client_secret.trim()).filter(|secret| !secret.is_empty()),
            "public-client": self.public_client == "yes",
            "only": self.only == "yes",
            "second-factor-acr": list(&self.acr),
            "second-factor-amr": list(&self.amr),
            "require-second-factor": self.require_second_factor == "yes",
            "max-age-minutes": if minutes.is_empty() { Value::Null } else { number },
        })
    }
}

/// Shows it.
pub(crate) async fn show(visit: Visit, Path(place): Path<String>) -> Shown {
    shown(&visit, &place, None, &html! {}).await
}

async fn shown(visit: &Visit, place: &str, filled: Option<&Setting>, said: &Markup) -> Shown {
    let (found, version): (SignIn, String) = visit.seen(&of_api(place)).await?;
    let now = Setting::of(&found, version);
    let filled = filled.unwrap_or(&now);
    let body = html! {
        (said)
        (card("How people sign in", &html! {}, &standing(&found)))
        (card("What to register at the provider", &html! {}, &addresses(&found)))
        (card(if found.provider.is_some() { "Change the provider" } else { "Set a provider" }, &html! {}, &setting(place, filled, &found, visit.token())))
        @if found.provider.is_some() { (card("Take it away", &html! {}, &removing(place, &now.version, visit.token()))) }
    };
    visit.show(Page {
        title: "Sign-in provider",
        lead: html! { "An OpenID provider of your own. Nobody gets an account by signing in there: an invitation does that." },
        place: Place::People,
        above: above(place),
        acts: html! {},
        body,
    })
}

fn standing(found: &SignIn) -> Markup {
    let Some(one) = &found.provider else { return html! { p { "With passkeys. There is no provider." } } };
    let seconds = [one.second_factor_acr.as_slice(), one.second_factor_amr.as_slice()].concat();
    facts(&[
        ("Issuer", html! { code { (one.issuer) } }),
        (
            "Client",
            html! { code { (one.client_id) } @if found.has_secret { " with a secret" } @else { ", a public one" } },
        ),
        ("People come in", html! { @if one.only { "by it alone" } @else { "by it, or with passkeys" } }),
        (
            "A second factor is",
            html! {
                @if seconds.is_empty() { "never its word: passkeys and codes are" } @else { code { (seconds.join(" ")) } }
                @if one.require_second_factor { ", and nobody comes in without" }
            },
        ),
        (
            "People signed in there",
            html! {
                @match one.max_age_minutes { Some(minutes) => { "within the last " (minutes) " minutes" }, None => { "at any time before" } }
            },
        ),
    ])
}

fn addresses(found: &SignIn) -> Markup {
    let text =
        |one: &Option<String>| one.clone().unwrap_or_else(|| "unknown: this host has no public address".to_owned());
    facts(&[
        ("Redirect URI", html! { code class="mono" { (text(&found.redirect_uri)) } }),
        ("Back-channel logout", html! { code class="mono" { (text(&found.logout_uri)) } }),
    ])
}

fn setting(place: &str, filled: &Setting, found: &SignIn, token: &str) -> Markup {
    let stays = if found.has_secret {
        "Empty: the one that is stored stays, for this issuer and client."
    } else {
        "Never shown again."
    };
    form(
        &format!("{}/set", own(place)),
        token,
        &html! {
            input type="hidden" name="version" value=(filled.version);
            div class="grid" {
                (Text { name: "issuer", label: "Issuer", kind: "url", value: &filled.issuer, hint: "Exactly as the provider says it itself.", ..Text::default() }.show())
                (Text { name: "client_id", label: "Client id", value: &filled.client_id, ..Text::default() }.show())
                (Text { name: "client_secret", label: "Client secret", kind: "password", optional: true, hint: stays, ..Text::default() }.show())
                (Text { name: "max_age_minutes", label: "Signed in there within, in minutes", kind: "number", value: &filled.max_age_minutes, optional: true, hint: "Empty: at any time before.", ..Text::default() }.show())
                (Text { name: "acr", label: "Values of acr for a second factor", value: &filled.acr, optional: true, hint: "With spaces between.", ..Text::default() }.show())
                (Text { name: "amr", label: "Values of amr for a second factor", value: &filled.amr, optional: true, hint: "Such as mfa, with spaces between.", ..Text::default() }.show())
            }
            (tick("public_client", "yes", filled.public_client == "yes", &html! { "A public client there: it has no secret" }))
            (tick("require_second_factor", "yes", filled.require_second_factor == "yes", &html! { "Let nobody in for whom it saw no second factor" }))
            (tick("only", "yes", filled.only == "yes", &html! { "People come in by it alone; passkeys stay for owners behind the glass" }))
            div { button type="submit" class="primary" { "Set" } }
        },
    )
}

fn removing(place: &str, version: &str, token: &str) -> Markup {
    form(
        &format!("{}/remove", own(place)),
        token,
        &html! {
            input type="hidden" name="version" value=(version);
            p { "People sign in with passkeys from then on. Sessions that began by it end at once, and the secret is forgotten." }
            div { button type="submit" class="danger" { "Take it away" } }
        },
    )
}

/// Sets it.
pub(crate) async fn sets(Path(place): Path<String>, Sent(visit, sent): Sent<Setting>) -> Shown {
    let answer = visit.ask(Ask::with(Method::PUT, of_api(&place), sent.body()).of(&sent.version)).await;
    if answer.status.is_success() {
        return Ok(to(&own(&place)));
    }
    let said = visit.said(&answer.refused())?;
    shown(&visit, &place, Some(&sent), &said).await
}

/// What is taken away.
#[derive(Deserialize)]
pub(crate) struct Removing {
    version: String,
}

/// Takes it away.
pub(crate) async fn removes(Path(place): Path<String>, Sent(visit, sent): Sent<Removing>) -> Shown {
    let ask = Ask { method: Method::DELETE, ..Ask::get(of_api(&place)) }.of(&sent.version);
    visit.then(ask, &own(&place)).await
}
