//! What is answered, and how it is refused: problem details (RFC 9457) that say what to do.
//!
//! Invariant: nothing is kept by anybody between; a refusal repeats nothing of the request, and says nothing about who has an account.

use std::time::Duration;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use portcullis_access::{AccessError, Started};
use portcullis_model::people::{Needs, Refusal};
use serde_json::{Value, json};

use super::cookie;
use crate::peers::{Known, retry_after};

/// A refusal.
#[derive(Clone, Debug)]
pub struct Refused {
    status: StatusCode,
    name: &'static str,
    title: &'static str,
    detail: String,
    refusal: Option<Refusal>,
}

impl Refused {
    fn new(status: StatusCode, name: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, name, title, detail: detail.into(), refusal: None }
    }

    /// Another page sends it.
    pub(super) fn forged() -> Self {
        let help = "Send the value of 'csrf' that GET /signin/session answers, in the header x-portcullis-csrf, from a page of this host.";
        Self::new(StatusCode::FORBIDDEN, "other-page", "The request does not come from a page of this host", help)
    }

    /// It is not understood.
    pub(super) fn wrong(help: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "wrong-body", "The request is not understood", help)
    }

    /// Nobody is signed in.
    pub(super) fn nobody() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "sign-in", "Nobody is signed in", "Sign in.")
    }

    /// The host cannot do it now.
    pub(super) fn unavailable() -> Self {
        let help = "Try again in a minute.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The host cannot do it now", help)
    }

    /// A tenant's provider does not answer as it has to.
    pub(super) fn no_provider() -> Self {
        let help = "The provider of your organisation does not answer as it has to. Try again in a minute; if that does not help, \
                    tell an owner of your organisation: the host's log says what is wrong.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "provider", "The provider cannot be used", help)
    }

    /// A provider knows somebody, and no account here is bound to them.
    pub(super) fn not_bound() -> Self {
        let help = "The provider of your organisation knows you, but no account here is connected with it. If you have an account, sign \
                    in to it with a passkey and connect the provider on your account page; otherwise ask an owner of your \
                    organisation for an invitation.";
        Self::new(StatusCode::UNAUTHORIZED, "not-proved", "No account here is yours", help)
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What to do about it.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// As an answer.
    pub(super) fn response(self) -> Response {
        let mut body = json!({
            "type": format!("https://portcullis.dev/problems/{}", self.name),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(refusal) = &self.refusal {
            body["refusal"] = json!(refusal);
        }
        let media = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = sealed((self.status, media, body.to_string()).into_response());
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("PortcullisSession");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        let unproved = matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
        // What somebody who is known may not yet do is not counted against the address.
        match unproved && self.refusal.is_none() {
            true => Known::Refused(self.name).note(response),
            false => response,
        }
    }
}

impl From<AccessError> for Refused {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotProved => {
                let help = "Try again, or ask an owner of your organisation for a new invitation.";
                Self::new(StatusCode::UNAUTHORIZED, "not-proved", "This does not prove who you are", help)
            }
            AccessError::Unknown(what) => {
                let help = format!("The {what} is not there, or not any more: begin anew.");
                Self::new(StatusCode::NOT_FOUND, "unknown", "There is no such thing", help)
            }
            AccessError::Invalid(help) => {
                Self::new(StatusCode::BAD_REQUEST, "wrong-body", "It cannot be done so", help)
            }
            AccessError::Conflict(help) => Self::new(StatusCode::CONFLICT, "conflict", "It cannot be done now", help),
            AccessError::Refused(refusal) => {
                let name = if matches!(refusal.needs, Needs::StepUp { .. }) { "step-up" } else { "forbidden" };
                let said = Self::new(StatusCode::FORBIDDEN, name, "You may not do this", refusal.to_string());
                Self { refusal: Some(refusal), ..said }
            }
            AccessError::Store(error) => {
                tracing::error!(%error, "people cannot be looked up");
                let help = "Try again in a minute.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The host cannot reach its store", help)
            }
        }
    }
}

impl From<portcullis_model::error::StoreError> for Refused {
    fn from(error: portcullis_model::error::StoreError) -> Self {
        AccessError::Store(error).into()
    }
}

/// What every answer has.
pub(super) fn sealed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, header::HeaderValue::from_static("no-referrer"));
    response
}

/// JSON, to somebody who has proved nothing yet.
pub(super) fn open(body: &Value) -> Response {
    sealed(([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response())
}

/// JSON, to somebody who is known.
pub(super) fn proved(body: &Value) -> Response {
    Known::Proved.note(open(body))
}

/// A session that began, or has another token.
pub(super) fn started(started: &Started, secure: bool) -> Response {
    let session = &started.session;
    let body = json!({
        "session": session.id,
        "person": session.person,
        "csrf": started.csrf,
        "new-device": session.device.new,
        "factors": session.factors,
    });
    let mut response = proved(&body);
    for value in cookie::set(started, secure) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// An outcome as an answer.
pub(super) fn answer(outcome: Result<Response, Refused>) -> Response {
    outcome.unwrap_or_else(Refused::response)
}

/// Somebody asks too often.
pub(super) fn too_often(wait: Duration) -> Response {
    let help = "Wait as long as Retry-After says.";
    let said =
        Refused::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests proved nothing", help);
    let mut response = said.response();
    retry_after(&mut response, wait);
    response
}
