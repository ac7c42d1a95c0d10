//! One request for a page: whose it is, and what it may ask. What changes something is taken from a form of this host's own alone.
//!
//! Invariants: without a session there is no page but those to sign in by; a form counts only with the token of its reader's own
//! session, from a page of this host, in at most 256 KiB; where the API wants a fresh proof of who asks, the reader is led there and
//! back to where they were, and nowhere else.

use std::sync::Arc;

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use portcullis_model::{
    people::{Action, Reach, Resource},
    time::Timestamp,
};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use crate::{
    host::{Answer, Ask, Host, Refused, Visitor},
    kit::{
        Tone,
        form::{ONCE, TOKEN},
        notice,
    },
    shell::{Page, Reader, narrow},
    strings::{self, Place},
};

/// The most that a form may have, in bytes.
const LARGEST: usize = 256 * 1024;

/// A reader at a page.
pub struct Visit {
    host: Arc<dyn Host>,
    visitor: Visitor,
    /// The page's own path and query.
    here: String,
    /// Under which what the form asks for is done once.
    key: Option<String>,
}

/// What a handler answers: a page, or another one in its place.
/// Boxed, since it is large and seldom.
pub type Shown = Result<Response, Instead>;

/// A page in place of the one that was asked for.
#[derive(Debug)]
pub struct Instead(Box<Response>);

impl From<Response> for Instead {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Instead {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl Visit {
    /// Asks the API; what a form asks for, under the form's key.
    pub async fn ask(&self, ask: Ask) -> Answer {
        let key = self.key.clone().filter(|_| ask.method == Method::POST);
        self.host.ask(&self.visitor.caller, Ask { key, ..ask }).await
    }

    /// Asks the API to see something; where that is refused, a page says why.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Instead> {
        self.ask(Ask::get(path)).await.read().map_err(|refused| self.refused(&refused).into())
    }

    /// The same, with the version of what was answered.
    pub async fn seen<T: DeserializeOwned>(&self, path: &str) -> Result<(T, String), Instead> {
        let answer = self.ask(Ask::get(path)).await;
        let version = answer.version.clone().unwrap_or_default();
        Ok((answer.read().map_err(|refused| Instead::from(self.refused(&refused)))?, version))
    }

    /// Leads on after something was done; where it was refused, a page says why.
    pub async fn then(&self, ask: Ask, next: &str) -> Shown {
        let answer = self.ask(ask).await;
        if answer.status.is_success() { Ok(to(next)) } else { Err(self.refused(&answer.refused()).into()) }
    }

    /// Whether the API would let this person do that to it, so that only who can use a button sees it.
    pub async fn may(&self, action: &Action, on: &Resource) -> bool {
        self.host.may(&self.visitor.caller, action, on).await
    }

    /// Whether they may do it to this one of a tenant's.
    pub async fn may_to(&self, action: &Action, tenant: &str, kind: &'static str, id: &str) -> bool {
        match tenant.parse() {
            Ok(tenant) => self.may(action, &Resource::of(tenant, kind).named(id)).await,
            Err(_) => false,
        }
    }

    /// A key for a form that does something once.
    pub fn fresh(&self) -> String {
        self.host.fresh()
    }

    /// When the request began, by the host's clock.
    pub fn now(&self) -> Timestamp {
        self.visitor.caller.now
    }

    /// The session's token, for forms.
    pub fn token(&self) -> &str {
        &self.visitor.token
    }

    /// Shows a page.
    pub fn show(&self, page: Page<'_>) -> Shown {
        Ok(page.show(&self.reader(), StatusCode::OK))
    }

    /// The tenant that this person looks after, where it is one.
    pub fn only_tenant(&self) -> String {
        match self.visitor.caller.tenants().as_deref() {
            Some([one]) => one.to_string(),
            _ => String::new(),
        }
    }

    /// The tenants that this person looks after; none where it is all of them.
    pub fn tenants(&self) -> Vec<String> {
        self.visitor.caller.tenants().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    /// Whether this person looks after the platform itself.
    pub fn is_of_platform(&self) -> bool {
        match &self.visitor.caller.reach {
            Reach::Everything => true,
            Reach::Holdings(all) => all.iter().any(|held| held.tenant.is_none()),
        }
    }

    fn reader(&self) -> Reader {
        let tenants = self.visitor.caller.tenants();
        let tenant = match tenants.as_deref() {
            None => "All tenants".to_owned(),
            Some([one]) => one.to_string(),
            Some(many) => format!("{} tenants", many.len()),
        };
        let (name, token) = (self.visitor.name.clone(), self.visitor.token.clone());
        Reader { name, tenant, token, of_platform: self.is_of_platform() }
    }

    /// The page for what the API refused.
    pub fn refused(&self, refused: &Refused) -> Response {
        match refused.kind.as_str() {
            "step-up-required" => return to(&format!("/console/step-up?next={}", escaped(&self.here))),
            "sign-in-required" => return to_sign_in(&self.here),
            _ => {}
        }
        let (title, status) = match refused.status {
            StatusCode::NOT_FOUND => (strings::MISSING, refused.status),
            status if status.is_client_error() => (strings::REFUSED, status),
            _ => (strings::UNAVAILABLE, StatusCode::SERVICE_UNAVAILABLE),
        };
        let detail = if refused.detail.is_empty() { strings::LATER } else { &refused.detail };
        Page {
            title,
            lead: html! { (refused.title) },
            place: Place::of(&self.here),
            above: Vec::new(),
            acts: html! {},
            body: html! { (notice(Tone::Bad, title, &html! { p { (detail) } })) },
        }
        .show(&self.reader(), status)
    }

    /// A line for the head of a page that says what the API refused; a step-up leads away from the page.
    pub fn said(&self, refused: &Refused) -> Result<Markup, Instead> {
        if refused.kind.ends_with("-required") {
            return Err(self.refused(refused).into());
        }
        let detail = if refused.detail.is_empty() { strings::LATER } else { &refused.detail };
        Ok(notice(Tone::Bad, strings::REFUSED, &html! { p { (detail) } }))
    }

    async fn of(parts: &mut Parts, host: &Arc<dyn Host>) -> Result<Self, Response> {
        let here = if parts.method.is_safe() { parts.uri.path_and_query().map(|path| path.as_str()) } else { None };
        let here = here.map_or_else(|| before(parts.uri.path()), str::to_owned);
        match host.visitor(parts).await {
            Ok(Some(visitor)) => Ok(Self { host: host.clone(), visitor, here, key: None }),
            Ok(None) => Err(to_sign_in(&here)),
            Err(_) => Err(unavailable()),
        }
    }
}

/// Leads somewhere else on this host.
pub fn to(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// The page from which a form was sent: a form itself cannot be gone back to.
fn before(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((page, _)) if page.matches('/').count() > 1 => page.to_owned(),
        _ => "/console".to_owned(),
    }
}

fn to_sign_in(here: &str) -> Response {
    to(&format!("/console/sign-in?next={}", escaped(here)))
}

/// A path as the value of a parameter.
pub fn escaped(path: &str) -> String {
    url::form_urlencoded::byte_serialize(path.as_bytes()).collect()
}

/// A further parameter of a query, where there is something to say.
pub fn with(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("&{name}={}", escaped(value)) }
}

/// Where somebody is led after having signed in: a page of the console, and nothing else.
pub fn inside(next: Option<&str>) -> &str {
    next.filter(|next| {
        let rest = next.strip_prefix("/console");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
            && next.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'\\')
            && !next.contains("//")
    })
    .unwrap_or("/console")
}

fn unavailable() -> Response {
    let body = html! { p { (strings::LATER) } };
    narrow(StatusCode::SERVICE_UNAVAILABLE, strings::UNAVAILABLE, &body)
}

impl FromRequestParts<Arc<dyn Host>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, host: &Arc<dyn Host>) -> Result<Self, Response> {
        Self::of(parts, host).await
    }
}

/// A form that its reader sent, from a page of this host.
pub struct Sent<T>(pub Visit, pub T);

impl<T: DeserializeOwned> FromRequest<Arc<dyn Host>> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, host: &Arc<dyn Host>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::of(&mut parts, host).await?;
        let forged = || {
            let body = html! { p { (strings::FORGED) } };
            narrow(StatusCode::FORBIDDEN, strings::REFUSED, &body)
        };
        if !from_here(&parts, host.base()) {
            return Err(forged());
        }
        let too_large =
            |_| narrow(StatusCode::PAYLOAD_TOO_LARGE, strings::REFUSED, &html! { p { (strings::TOO_LARGE) } });
        let bytes = to_bytes(body, LARGEST).await.map_err(too_large)?;
        let field = |of: &str| url::form_urlencoded::parse(&bytes).find(|(name, _)| name == of).map(|(_, value)| value);
        let given = field(TOKEN);
        let same = given.is_some_and(|given| bool::from(given.as_bytes().ct_eq(visit.token().as_bytes())));
        if !same || visit.token().is_empty() {
            return Err(forged());
        }
        let read = read(&bytes)
            .ok_or_else(|| narrow(StatusCode::BAD_REQUEST, strings::REFUSED, &html! { p { (strings::WRONG_FORM) } }))?;
        let key = field(ONCE).map(|key| key.into_owned()).filter(|key| !key.is_empty());
        Ok(Self(Visit { key, ..visit }, read))
    }
}

/// A form as a type. A name that is there more than once is a list.
fn read<T: DeserializeOwned>(bytes: &Bytes) -> Option<T> {
    serde_html_form::from_bytes(bytes).ok()
}

/// Whether a page of this host sends it, as far as the browser says so.
fn from_here(parts: &Parts, base: &str) -> bool {
    let site = parts.headers.get("sec-fetch-site").is_none_or(|value| value == "same-origin" || value == "none");
    let origin = parts.headers.get(header::ORIGIN).is_none_or(|value| value.as_bytes() == base.as_bytes());
    site && origin
}

#[cfg(test)]
mod tests {
    use super::{before, inside};

    #[test]
    fn after_a_fresh_proof_one_is_at_a_page_and_not_at_a_form() {
        assert_eq!(before("/console/installations/in_1/suspend"), "/console/installations/in_1");
        assert_eq!(before("/console/install"), "/console");
    }

    #[test]
    fn nobody_is_led_off_this_host() {
        for good in ["/console", "/console/audit?q=a%20b", "/console?x=1"] {
            assert_eq!(inside(Some(good)), good);
        }
        for bad in [
            "https://evil.example",
            "//evil.example",
            "/console//evil",
            "/consolex",
            "/console/\\evil",
            "/console/a b",
            "",
        ] {
            assert_eq!(inside(Some(bad)), "/console", "{bad}");
        }
        assert_eq!(inside(None), "/console");
    }
}
