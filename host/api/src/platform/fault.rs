//! Errors in Zendesk's form, so that its clients know them: `error` names what went wrong, `description` says what to do. A
//! denial also says which scope is missing, which layer says no, who can change that, and where it stands in the audit log.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use portcullis_model::{
    audit::plain,
    authority::Denial,
    error::ServiceError,
    oauth::Rejected,
    platform::{Rate, Refusal},
};
use serde_json::{Value, json};

use super::{JSON, auth::Missing, tell_rate};

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    body: Value,
    retry: Option<Duration>,
    challenge: Option<String>,
    allow: Option<&'static str>,
    rate: Option<Box<Rate>>,
    reason: &'static str,
}

impl Fault {
    fn new(status: StatusCode, error: &str, description: impl Into<String>) -> Self {
        let description: String = description.into();
        let body = json!({ "error": error, "description": plain(&description) });
        Self { status, body, retry: None, challenge: None, allow: None, rate: None, reason: "unfit" }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The same, with what is left of the hour.
    pub fn at(mut self, rate: Rate) -> Self {
        self.rate = Some(Box::new(rate));
        self
    }

    /// What it is counted for, where the request did not prove whose it is.
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    fn counted_for(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }

    pub fn no_endpoint() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "InvalidEndpoint",
            "Not found. There are tickets, tickets/{id}, tickets/{id}/comments, users/me, users/search, users/{id}, \
             organizations, organizations/{id}, search, search/export and incremental/tickets/cursor.",
        )
        .counted_for("no-endpoint")
    }

    pub fn wrong_method(allow: &'static str) -> Self {
        let description = format!("This endpoint takes {allow}.");
        let fault = Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", description);
        Self { allow: Some(allow), ..fault.counted_for("wrong-method") }
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "RecordNotFound", "Not found")
    }

    pub fn too_large(most: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PayloadTooLarge",
            format!("Send at most {most} bytes, and all of them."),
        )
    }

    pub fn slow_body() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", "Send the whole body within 10 seconds.")
    }

    pub fn broken() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "The host broke; what was done is in its audit log. With an Idempotency-Key it is safe to ask again.",
        )
    }

    /// What was sent is not what is expected.
    pub fn invalid(description: impl Into<String>) -> Self {
        let description: String = description.into();
        let mut fault = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "RecordInvalid", "Record validation errors");
        fault.body["details"] = json!({ "base": [{ "description": plain(&description) }] });
        fault
    }

    /// No token was sent.
    pub fn unauthenticated(missing: Missing, public_url: &str) -> Self {
        let how =
            format!("get an access token by OAuth; {public_url}/.well-known/oauth-authorization-server says where");
        let (reason, description) = match missing {
            Missing::Nothing => ("no-token", format!("Send 'Authorization: Bearer <access token>' or 'DPoP'; {how}.")),
            Missing::Basic => ("password", format!("Passwords and API tokens do not exist here, in any form; {how}.")),
            Missing::Odd => {
                ("malformed", format!("Send one Authorization header, 'Bearer' or 'DPoP' and an access token; {how}."))
            }
        };
        let fault = Self::new(StatusCode::UNAUTHORIZED, "Couldn't authenticate you", description);
        Self {
            challenge: Some(r#"Bearer realm="platform", DPoP algs="ES256 EdDSA""#.into()),
            ..fault.counted_for(reason)
        }
    }

    /// The token was refused.
    pub fn rejected(rejected: &Rejected) -> Self {
        let (scheme, code, reason) = match rejected {
            Rejected::Token(_) => ("Bearer", "invalid_token", "unknown-token"),
            Rejected::Over(_) => ("Bearer", "invalid_token", "old-token"),
            Rejected::Proof(_) => ("DPoP", "invalid_dpop_proof", "wrong-proof"),
            Rejected::Unavailable => return Self::unavailable(),
        };
        let mut fault = Self::new(StatusCode::UNAUTHORIZED, code, rejected.to_string());
        fault.body["error_description"] = fault.body["description"].clone();
        Self { challenge: Some(format!(r#"{scheme} realm="platform", error="{code}""#)), ..fault.counted_for(reason) }
    }

    fn unavailable() -> Self {
        let fault = Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "Ask again later.");
        Self { retry: Some(Duration::from_secs(5)), ..fault }
    }

    pub fn limited(description: String, wait: Option<Duration>) -> Self {
        Self { retry: wait, ..Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", description) }
    }

    /// As Zendesk's own 403s, whose `error` is an object.
    fn forbidden(description: &str) -> Self {
        let mut fault = Self::new(StatusCode::FORBIDDEN, "Forbidden", description);
        fault.body["error"] = json!({ "title": "Forbidden", "message": fault.body["description"].clone() });
        fault
    }

    fn denied(denial: &Denial, wait: Option<Duration>) -> Self {
        let said = format!(
            "{}; {} does not cover it. It needs '{}', and the {} can change that; audit entry {}",
            denial.reason,
            denial.layer,
            denial.needed,
            denial.layer.grantor(),
            denial.id
        );
        let mut fault = match wait {
            Some(wait) => Self::limited(said, Some(wait)),
            None => Self::forbidden(&said),
        };
        fault.body["denial"] = json!({
            "id": denial.id,
            "act": denial.act,
            "scope": denial.needed.to_string(),
            "layer": denial.layer,
            "reason": plain(&denial.reason),
            "grantor": denial.layer.grantor(),
            "explain": format!("portcullis why {}", denial.id),
        });
        fault
    }

    fn of_service(error: ServiceError) -> Self {
        match error {
            ServiceError::Invalid(what) => Self::invalid(what),
            ServiceError::NotFound => Self::not_found(),
            ServiceError::Limited { name, allowed, retry_after_ms } => {
                let wait = retry_after_ms.map(|millis| Duration::from_millis(millis.into()));
                Self::limited(format!("{name}: {allowed} allowed"), wait)
            }
            ServiceError::Conflict => Self::new(
                StatusCode::CONFLICT,
                "Conflict",
                "The ticket is closed or was changed in between, or the Idempotency-Key was used for another comment.",
            ),
            ServiceError::Unavailable(why) | ServiceError::Frozen(why) => {
                tracing::warn!(%why, "a service behind the platform API is unavailable");
                Self::unavailable()
            }
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied { denial, wait } => Self::denied(&denial, wait),
            Refusal::Held { reason, wait } => Self::limited(reason, Some(wait)),
            Refusal::Stale => Self::rejected(&Rejected::Over(refusal.to_string())),
            Refusal::Inactive(_) => Self::forbidden(&refusal.to_string()),
            Refusal::Service(error) => Self::of_service(error),
            Refusal::Slow(_) => {
                let description = format!("{refusal}; ask for less, or look whether it was done before asking again.");
                Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", description)
            }
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = (self.status, [(header::CONTENT_TYPE, JSON)], self.body.to_string()).into_response();
        // What is held has nothing left, whatever it would have asked for.
        let held = self.status == StatusCode::TOO_MANY_REQUESTS;
        if let Some(rate) = self.rate {
            tell_rate(&mut response, *rate);
        } else if held {
            response.headers_mut().insert("x-rate-limit-remaining", HeaderValue::from(0));
        }
        let headers = response.headers_mut();
        if let Some(wait) = self.retry {
            headers
                .insert(header::RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1000).clamp(1, 3600) as u64));
        }
        if let Some(challenge) = self.challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
