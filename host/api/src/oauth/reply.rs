//! Answers as JSON, never cached (RFC 6749, 5.1 and 5.2).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use portcullis_broker::authz::{Code, OAuthError, jwk};
use serde_json::{Value, json};

use crate::peers::retry_after;

pub(super) fn with_status(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body.to_string()).into_response()
}

pub(super) fn json(body: &Value) -> Response {
    with_status(StatusCode::OK, body)
}

fn status(error: &OAuthError) -> StatusCode {
    match error.code {
        Code::InvalidClient => StatusCode::UNAUTHORIZED,
        Code::TemporarilyUnavailable if error.retry_after.is_some() => StatusCode::TOO_MANY_REQUESTS,
        Code::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// A refusal.
pub(super) fn refusal(error: &OAuthError) -> Response {
    let body = json!({ "error": error.code.name(), "error_description": error.description });
    let mut response = with_status(status(error), &body);
    if error.code == Code::InvalidClient {
        // RFC 9110, 15.5.2: a 401 names a way to prove oneself. It is the only one here that is an HTTP scheme.
        let challenge = format!("DPoP algs=\"{}\"", jwk::ALGORITHMS.join(" "));
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
    }
    if let Some(wait) = error.retry_after {
        retry_after(&mut response, wait);
    }
    response
}
