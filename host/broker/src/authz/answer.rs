//! What the token endpoint gives.

use portcullis_model::{scope::ScopeText, secret::Secret};
use serde_json::{Value, json};

use super::scopes;

/// How the access token is to be presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenSort {
    /// RFC 6750.
    Bearer,
    /// RFC 9449.
    Dpop,
}

impl TokenSort {
    pub(super) fn of(jkt: Option<&String>) -> Self {
        if jkt.is_some() { Self::Dpop } else { Self::Bearer }
    }

    /// As `token_type` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// Tokens that were issued (RFC 6749, 5.1).
#[derive(Clone, Debug)]
pub struct TokenAnswer {
    /// The access token.
    pub access: Secret,
    /// The refresh token, where there is one.
    pub refresh: Option<Secret>,
    /// How the access token is to be presented.
    pub sort: TokenSort,
    /// For how long it lasts, in seconds.
    pub expires_in: u64,
    /// What it is for.
    pub scopes: Vec<ScopeText>,
    /// Whether it came from an exchange (RFC 8693).
    pub exchanged: bool,
}

impl TokenAnswer {
    /// The answer's body. Whoever calls this sends it to the client and nowhere else.
    pub fn to_json(&self) -> Value {
        let text = |secret: &Secret| String::from_utf8_lossy(secret.expose()).into_owned();
        let mut body = json!({
            "access_token": text(&self.access),
            "token_type": self.sort.name(),
            "expires_in": self.expires_in,
            "scope": scopes::words(&self.scopes),
            "authorization_details": scopes::details(&self.scopes),
        });
        if let Some(refresh) = &self.refresh {
            body["refresh_token"] = text(refresh).into();
        }
        if self.exchanged {
            body["issued_token_type"] = super::exchange::ACCESS_TOKEN.into();
        }
        body
    }
}
