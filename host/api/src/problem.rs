//! Errors as RFC 9457 problem details. Each reason is one variant: its status, its words, and the name it is counted under.

use std::time::Duration;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::peers::retry_after;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// No such source, or one of another kind.
    UnknownSource,
    /// The body is larger than the limit.
    TooLarge,
    /// A header that proves who sent it is missing.
    Unsigned,
    /// The signature or the token is wrong.
    WrongSignature,
    /// The timestamp is more than five minutes off.
    Stale,
    /// The body is not JSON.
    NotJson,
    /// The body lacks something or has it in the wrong form.
    Malformed,
    /// The content type is not the one expected.
    WrongType,
    /// The body did not arrive in time.
    Slow,
    /// There is nothing at this path.
    NoEndpoint,
    /// The path is there, for another method.
    WrongMethod,
    /// The store did not answer.
    Unavailable,
    /// The operator's token is missing or wrong.
    NotOperator,
    /// There is no such thing.
    Unknown,
    /// A parameter of the request is not understood.
    WrongQuery,
    /// As many are served as can be.
    Full,
    /// The body does not say what the operation needs.
    WrongBody,
    /// Whoever asks must sign in anew.
    SignIn,
    /// Whoever asks may not do this.
    Forbidden,
    /// Whoever asks may do this after they have proved once more who they are.
    StepUp,
    /// The request does not say which version of the thing it was made for.
    NoVersion,
    /// The thing was changed since the version that the request was made for.
    OtherVersion,
    /// The thing's state does not allow it.
    Conflict,
    /// A request with the same idempotency key is under way, or its end is not known.
    KeyInUse,
    /// The idempotency key was used for another request.
    KeyReused,
    /// The request is understood, and the host's rules refuse it.
    Refused,
    /// The release that it is about may not run there.
    ReleaseRefused,
    /// Its address has asked too often without proving anything.
    TooMany,
}

impl Reason {
    /// Its name in counts and in the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownSource => "unknown-source",
            Self::TooLarge => "too-large",
            Self::Unsigned => "unsigned",
            Self::WrongSignature => "wrong-signature",
            Self::Stale => "stale",
            Self::NotJson => "not-json",
            Self::Malformed => "malformed",
            Self::WrongType => "wrong-content-type",
            Self::Slow => "slow",
            Self::NoEndpoint => "no-endpoint",
            Self::WrongMethod => "wrong-method",
            Self::Unavailable => "unavailable",
            Self::NotOperator => "not-operator",
            Self::Unknown => "unknown",
            Self::TooMany => "too-many-requests",
            Self::WrongQuery => "wrong-query",
            Self::Full => "full",
            Self::WrongBody => "wrong-body",
            Self::SignIn => "sign-in-required",
            Self::Forbidden => "forbidden",
            Self::StepUp => "step-up-required",
            Self::NoVersion => "no-version",
            Self::OtherVersion => "other-version",
            Self::Conflict => "conflict",
            Self::KeyInUse => "idempotency-key-in-use",
            Self::KeyReused => "idempotency-key-reused",
            Self::Refused => "refused",
            Self::ReleaseRefused => "release-refused",
        }
    }

    /// The URI that stands for it in answers (RFC 9457, section 3.1.1). It never changes.
    pub fn uri(self) -> String {
        format!("https://portcullis.dev/problems/{}", self.name())
    }

    /// The status that it is answered with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::UnknownSource | Self::NoEndpoint | Self::Unknown => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unsigned | Self::WrongSignature | Self::Stale | Self::NotOperator | Self::SignIn => {
                StatusCode::UNAUTHORIZED
            }
            Self::NotJson | Self::Malformed | Self::WrongQuery | Self::WrongBody => StatusCode::BAD_REQUEST,
            Self::Forbidden | Self::StepUp => StatusCode::FORBIDDEN,
            Self::NoVersion => StatusCode::PRECONDITION_REQUIRED,
            Self::OtherVersion => StatusCode::PRECONDITION_FAILED,
            Self::Conflict | Self::KeyInUse => StatusCode::CONFLICT,
            Self::KeyReused | Self::Refused | Self::ReleaseRefused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::WrongType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unavailable | Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// What happened, in one line for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::UnknownSource => "There is no such source",
            Self::TooLarge => "The body is too large",
            Self::Unsigned => "The request is not signed",
            Self::WrongSignature => "The signature does not hold",
            Self::Stale => "The request is too old or from the future",
            Self::NotJson => "The body is not JSON",
            Self::Malformed => "The body is not a valid event",
            Self::WrongType => "The content type is not supported",
            Self::Slow => "The body did not arrive in time",
            Self::NoEndpoint => "There is no such endpoint",
            Self::WrongMethod => "The endpoint does not take this method",
            Self::Unavailable => "The host cannot reach its store",
            Self::NotOperator => "This is for the operator",
            Self::Unknown => "There is no such thing",
            Self::TooMany => "Too many requests of this address proved nothing",
            Self::WrongQuery => "The request is not understood",
            Self::Full => "No more can be served at once",
            Self::WrongBody => "The body is not what the operation needs",
            Self::SignIn => "This needs a new sign-in",
            Self::Forbidden => "This is not for whoever asks",
            Self::StepUp => "This needs a fresh proof of who asks",
            Self::NoVersion => "The request does not say which version it is for",
            Self::OtherVersion => "It was changed in between",
            Self::Conflict => "Its state does not allow this",
            Self::KeyInUse => "A request with this idempotency key is not known to have ended",
            Self::KeyReused => "The idempotency key was used for another request",
            Self::Refused => "The host's rules refuse this",
            Self::ReleaseRefused => "The release may not run here",
        }
    }
}

/// A refusal with what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Why.
    pub reason: Reason,
    /// What to do about it. Never a part of the request.
    pub advice: String,
    /// More for programs: a member of the answer, by its name (RFC 9457, section 3.2).
    pub more: Option<(&'static str, Box<Value>)>,
}

impl Problem {
    /// A refusal.
    pub fn new(reason: Reason, advice: impl Into<String>) -> Self {
        Self { reason, advice: advice.into(), more: None }
    }

    /// With a member more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more = Some((name, Box::new(value)));
        self
    }
}

/// Somebody asks too often.
pub(crate) fn too_many(wait: Duration) -> Response {
    let mut response = Problem::new(Reason::TooMany, "Wait as long as Retry-After says.").into_response();
    retry_after(&mut response, wait);
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.reason.status();
        let mut body = json!({
            "type": self.reason.uri(),
            "title": self.reason.title(),
            "status": status.as_u16(),
            "detail": self.advice,
        });
        if let Some((name, value)) = self.more {
            body[name] = *value;
        }
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1: a 401 names a challenge.
            let challenge =
                if matches!(self.reason, Reason::NotOperator | Reason::SignIn) { "Bearer" } else { "Signature" };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static(challenge));
        }
        response
    }
}
