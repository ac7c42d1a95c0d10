//! Who calls from outside of the sandbox: clients, what was granted to them, and what a presented access token is good for
//! (INT-1, INT-2).
//!
//! Invariants: a [`Bearer`] is made anew for every request; what it may do is never more than its installation may do now;
//! nothing that is stored is a token, or can be turned into one.

mod client;
mod grant;
mod store;

use async_trait::async_trait;

pub use client::{Authentication, Client, ClientKey, Jwk, KeyState};
pub use grant::{AccessToken, CodeState, Decision, Grant, GrantKey, Origin, Pending, Refreshing};
pub use store::{Change, OAuthStore, Put, Standing};

use crate::{
    id::{ClientId, Digest, InstallationId, TenantId},
    installation::Installation,
    scope::ScopeText,
    secret::Secret,
    time::Timestamp,
};

/// A token as a request presents it.
#[derive(Clone, Debug)]
pub struct Presented {
    /// True for `Authorization: DPoP`, false for `Authorization: Bearer`.
    pub dpop: bool,
    /// The access token.
    pub token: Secret,
    /// The `DPoP` header's proof (RFC 9449), where there is one.
    pub proof: Option<String>,
    /// The request's method, upper case.
    pub method: String,
    /// The request's URL without query and fragment, as the client must have meant it (`htu` of RFC 9449).
    pub url: String,
    /// The audience that the resource answers for, such as `https://host.example/api`.
    pub audience: String,
}

/// What a valid token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// Which client.
    pub client: ClientId,
    /// Whose data.
    pub tenant: TenantId,
    /// On behalf of which installation.
    pub installation: InstallationId,
    /// The release that the token was issued for: the installation's at that time, and still.
    pub release: Digest,
    /// What the token was narrowed to; the installation's own layers hold as well. Empty: nothing.
    pub scopes: Vec<ScopeText>,
    /// Who acts on behalf of whom, the latest first (RFC 8693 `act`): names, never secrets.
    pub actors: Vec<String>,
    /// How the audit log calls the token. Not secret, and of no use to get the token.
    pub reference: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// Why a token is refused. The texts go to the client, and hold nothing of the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It is unknown, or presented in another way than it was issued for (RFC 6750 `invalid_token`).
    #[error("{0}")]
    Token(String),
    /// It was issued and is over, revoked, for another audience, or its installation is not active any more. The client is told the
    /// same code.
    #[error("{0}")]
    Over(String),
    /// The proof of possession is missing or does not hold (RFC 9449 `invalid_dpop_proof`).
    #[error("{0}")]
    Proof(String),
    /// Nobody can say at the moment.
    #[error("the host cannot check tokens at the moment")]
    Unavailable,
}

/// Checks access tokens.
#[async_trait]
pub trait AccessTokens: Send + Sync {
    /// What the token stands for now.
    async fn check(&self, presented: &Presented) -> Result<Bearer, Rejected>;
}

/// What an installation may do at the moment, all of its layers taken together.
#[async_trait]
pub trait InstallationAuthority: Send + Sync {
    /// Its scopes; empty where nothing is left. The error is a text for the operator's log.
    async fn authority(&self, installation: &Installation) -> Result<Vec<ScopeText>, String>;
}
