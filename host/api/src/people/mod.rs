//! `/signin/`: how people sign in, step up, and look after their own sessions and factors; and who makes a request, by its cookie.
//!
//! | file | answers for |
//! |---|---|
//! | `cookie` | what the browser keeps |
//! | `answer` | what is answered, and how it is refused |
//! | `entry` | the ways in: an invitation's link, a passkey, a recovery code |
//! | `own` | what somebody does within a session |
//! | `provider` | through a tenant's own OpenID provider |
//! | `pages` | whose a request for a page, or of a page's script, is |
//!
//! Invariants:
//! - a session is good from a cookie that scripts cannot read; what changes anything needs the session's own token in a header, and
//!   comes from a page of this host;
//! - nothing is said about who has an account; what does not prove who it is says no more than that;
//! - of a link the part that counts stands behind a `#`, so that no proxy and no log ever sees it.

mod answer;
mod cookie;
mod entry;
mod own;
pub(crate) mod pages;
mod provider;
#[cfg(test)]
pub(crate) mod tests;

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::DefaultBodyLimit,
    http::{HeaderMap, Method, header, request::Parts},
    routing::{get, post},
};
use portcullis_access::{Access, Known, Passkeys, Seen};
use portcullis_broker::hmac::same;
use portcullis_model::time::{Clock, Rng};

use crate::peers::{Client, Door, Face};
use answer::{Refused, too_often};
pub use provider::{Providers, logout_uri, redirect_uri};

/// The most that a body may have, in bytes: a proof with its certificates.
const BODY: usize = 64 * 1024;
/// The header in which a page sends the session's own token back.
pub const CSRF: &str = "x-portcullis-csrf";

/// What the gate has to know.
pub(crate) const FACE: Face = Face { door: Door::Requests, name: |_| "signin", say: |_, wait| too_often(wait) };

/// What the endpoints share.
pub struct SignIn {
    /// Who is who, and who may do what.
    pub access: Access,
    /// Passkeys of this host's address.
    pub passkeys: Passkeys,
    /// Tenants' own providers; `None`: none can be used here.
    pub providers: Option<Arc<Providers>>,
    /// How browsers reach this host: scheme, host and port.
    pub base: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
}

/// The routes.
pub fn routes(sign_in: Arc<SignIn>) -> Router {
    Router::new()
        .route("/signin/join/begin", post(entry::join_begin))
        .route("/signin/join/finish", post(entry::join_finish))
        .route("/signin/join/accept", post(own::accept))
        .route("/signin/passkey/begin", post(entry::passkey_begin))
        .route("/signin/passkey/finish", post(entry::passkey_finish))
        .route("/signin/recovery", post(entry::recovery))
        .route("/signin/session", get(own::session))
        .route("/signin/end", post(own::end))
        .route("/signin/step-up/begin", post(own::step_up_begin))
        .route("/signin/step-up/passkey", post(own::step_up_passkey))
        .route("/signin/step-up/code", post(own::step_up_code))
        .route("/signin/sessions", get(own::sessions))
        .route("/signin/sessions/known", post(own::acknowledge))
        .route("/signin/sessions/end", post(own::end_sessions))
        .route("/signin/factors", get(own::factors))
        .route("/signin/factors/passkey/begin", post(own::passkey_begin))
        .route("/signin/factors/passkey/finish", post(own::passkey_finish))
        .route("/signin/factors/totp", post(own::totp))
        .route("/signin/factors/recovery", post(own::recovery))
        .route("/signin/factors/remove", post(own::remove))
        .merge(provider::routes())
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(sign_in)
}

/// The routes, and pages for those who come in by them.
pub(crate) fn all(sign_in: Arc<SignIn>, pages: Router) -> Router {
    routes(sign_in.clone()).merge(pages::pages(pages, sign_in))
}

impl SignIn {
    /// Whether cookies go over TLS alone.
    fn is_secure(&self) -> bool {
        self.base.starts_with("https://")
    }

    /// Who makes a request, by its cookie; `None` where it has none that is good. A request that changes something has to come from a
    /// page of this host as well.
    ///
    /// # Errors
    /// Another page sends it, or storage does not answer.
    pub async fn known(&self, method: &Method, headers: &HeaderMap, address: IpAddr) -> Result<Option<Known>, Refused> {
        let Some(token) = cookie::session(headers, self.is_secure()) else { return Ok(None) };
        let Some(known) = self.access.known(&token, address).await? else { return Ok(None) };
        if !method.is_safe() {
            self.check_page(headers)?;
            let given = headers.get(CSRF).map(|value| value.as_bytes()).unwrap_or_default();
            if !same(given, known.csrf.as_bytes()) {
                return Err(Refused::forged());
            }
        }
        Ok(Some(known))
    }

    /// The same, of a request's head, for other endpoints of this host.
    ///
    /// # Errors
    /// As [`SignIn::known`].
    pub async fn of_head(&self, head: &Parts) -> Result<Option<Known>, Refused> {
        let Some(client) = head.extensions.get::<Client>() else { return Ok(None) };
        self.known(&head.method, &head.headers, client.0).await
    }

    /// Whether a page of this host sends it, as far as the browser says so.
    fn check_page(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let site = headers.get("sec-fetch-site").is_none_or(|value| value == "same-origin" || value == "none");
        let origin = headers.get(header::ORIGIN).is_none_or(|value| value.as_bytes() == self.base.as_bytes());
        if site && origin { Ok(()) } else { Err(Refused::forged()) }
    }

    /// A body of one of these types, from a page of this host. JSON alone, which no form of another page can send.
    fn read<T: serde::de::DeserializeOwned>(&self, headers: &HeaderMap, body: &Bytes) -> Result<T, Refused> {
        self.check_page(headers)?;
        let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Refused::wrong("Send JSON, with 'Content-Type: application/json'."));
        }
        serde_json::from_slice(body).map_err(|error| {
            Refused::wrong(&format!(
                "The body is not as expected; see line {}, column {}.",
                error.line(),
                error.column()
            ))
        })
    }

    /// From what somebody signs in.
    fn seen(&self, headers: &HeaderMap, address: IpAddr) -> Seen {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Seen { label: device(agent), device: cookie::device(headers, self.is_secure()), address }
    }
}

/// A device in words that its owner knows it by, out of what the browser says of itself.
fn device(agent: &str) -> String {
    let find = |names: &[(&'static str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    // Each says that it is those that come after it, too.
    let browser = find(&[
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => "another device".to_owned(),
    }
}
