//! Refusals, with the codes of RFC 6749 and its kin. Their texts go to the client: they hold no token, and nothing that it did not
//! send itself.

use std::time::Duration;

use portcullis_model::{audit::plain, error::StoreError};

/// The code of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// RFC 6749, 5.2.
    InvalidRequest,
    /// RFC 6749, 5.2.
    InvalidClient,
    /// RFC 6749, 5.2.
    InvalidGrant,
    /// RFC 6749, 5.2.
    UnauthorizedClient,
    /// RFC 6749, 5.2.
    UnsupportedGrantType,
    /// RFC 6749, 4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749, 5.2.
    InvalidScope,
    /// RFC 8707, 2.
    InvalidTarget,
    /// RFC 9396, 5.
    InvalidAuthorizationDetails,
    /// RFC 9449, 5.
    InvalidDpopProof,
    /// RFC 6749, 4.1.2.1.
    AccessDenied,
    /// RFC 6749, 4.1.2.1: too many requests, or the store does not answer.
    TemporarilyUnavailable,
}

impl Code {
    /// As it stands in the answer.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::AccessDenied => "access_denied",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", code.name())]
pub struct OAuthError {
    /// Why.
    pub code: Code,
    /// What to do about it.
    pub description: String,
    /// How long to wait, for one that asks too often.
    pub retry_after: Option<Duration>,
    /// Why, for the host's own count, where the code alone says less. The client is not told.
    reason: Option<&'static str>,
}

impl OAuthError {
    /// A refusal.
    pub fn new(code: Code, description: impl AsRef<str>) -> Self {
        // RFC 6749, 5.2 allows printable ASCII without quotes and backslashes.
        let fit = |c: char| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '\'' };
        let description = plain(description.as_ref()).chars().map(fit).collect();
        Self { code, description, retry_after: None, reason: None }
    }

    /// What it is counted for: a word, and nothing of the request.
    pub fn reason(&self) -> &'static str {
        self.reason.unwrap_or_else(|| self.code.name())
    }

    pub(super) fn counted_for(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    pub(super) fn request(description: impl AsRef<str>) -> Self {
        Self::new(Code::InvalidRequest, description)
    }

    pub(super) fn grant(description: impl AsRef<str>) -> Self {
        Self::new(Code::InvalidGrant, description)
    }

    pub(super) fn client(description: impl AsRef<str>) -> Self {
        Self::new(Code::InvalidClient, description)
    }

    pub(super) fn proof(description: impl AsRef<str>) -> Self {
        Self::new(Code::InvalidDpopProof, description)
    }

    pub(super) fn unavailable() -> Self {
        Self::new(Code::TemporarilyUnavailable, "the host cannot answer at the moment; try again later")
    }

    /// Somebody asks too often, and is to wait so long.
    pub fn too_many(wait: Duration) -> Self {
        let error = Self::new(Code::TemporarilyUnavailable, "too many requests; wait as long as Retry-After says");
        Self { retry_after: Some(wait), ..error }
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the authorization server cannot reach its store");
        Self::unavailable()
    }
}
