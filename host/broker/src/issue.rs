//! What the vault's renewals ask of a provider, and what a provider answers: the joint between keeping credentials and
//! getting them.
//!
//! Invariant: an error says whether the provider may have acted; where it may have, nobody assumes that the old credential
//! still works, and nobody asks again with it but once.

use std::time::Duration;

use async_trait::async_trait;
use portcullis_model::{connection::Origin, id::ProviderId, secret::Secret};

/// The secret parts of a connection. Sealed as one, so that no two generations mix.
#[derive(Clone, Debug, Default)]
pub struct Credential {
    /// What requests carry.
    pub access: Option<Secret>,
    /// What a new pair is asked for with.
    pub refresh: Option<Secret>,
    /// How the client proves itself to the provider: a client secret, or a private key in PEM.
    pub client: Option<Secret>,
}

/// What a provider issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The new access token.
    pub access: Secret,
    /// The new refresh token; `None`: the old one stays good.
    pub refresh: Option<Secret>,
    /// How long the access token lasts; `None` where the provider does not say.
    pub lifetime: Option<Duration>,
    /// Scopes that were granted, in the provider's words; `None`: those that were asked for.
    pub scopes: Option<Vec<String>>,
}

/// Why nothing was issued or revoked. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The provider says that the grant is gone (`invalid_grant` and its kin): only a person's consent helps.
    #[error("the provider does not accept the grant any more: {0}")]
    GrantGone(String),
    /// The provider refuses the client or the request: somebody must correct the connection or the definition.
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// The request did not reach the provider, or it said that it did nothing (429, 503): the old credential is as good as it was.
    #[error("the provider cannot be asked: {why}")]
    NotReached {
        /// What happened.
        why: String,
        /// How long the provider wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The request was sent and no answer was understood: the provider may have acted.
    #[error("the provider may have acted, and its answer did not arrive: {0}")]
    Unknown(String),
}

/// What a provider's way means for whoever keeps its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conduct {
    /// Whether there is a way to a new access token without a person.
    pub renewable: bool,
    /// Whether a new access token comes by the client's own means, without a refresh token: client credentials, an app's key.
    pub own_means: bool,
    /// Whether a renewal ends the old access token at once (Zendesk), so that there is no overlap.
    pub renewal_ends_old: bool,
    /// Whether a refresh token works once only (rotation): after an unknown end it may be dead.
    pub refresh_once: bool,
    /// Whether a credential can be revoked.
    pub revocable: bool,
}

/// What was revoked upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The provider confirmed it.
    Confirmed,
    /// The provider has no such call: the credential lives until it ends, or until somebody revokes it by hand.
    NotOffered,
}

/// Asks providers.
#[async_trait]
pub trait Issuer: Send + Sync {
    /// How this provider behaves; `None` where there is no such provider.
    fn conduct(&self, provider: &ProviderId) -> Option<Conduct>;

    /// Asks for a new access token by the provider's own way: refresh token, client credentials, an app's signed JWT.
    async fn renew(&self, origin: &Origin, credential: &Credential) -> Result<Issued, IssueError>;

    /// Revokes what the provider lets revoke: refresh token first, then access token.
    async fn revoke(&self, origin: &Origin, credential: &Credential) -> Result<Revoked, IssueError>;
}

/// For a host that knows no provider: every credential is one that somebody stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProviders;

#[async_trait]
impl Issuer for NoProviders {
    fn conduct(&self, _: &ProviderId) -> Option<Conduct> {
        None
    }

    async fn renew(&self, origin: &Origin, _: &Credential) -> Result<Issued, IssueError> {
        Err(IssueError::Refused(format!("this host knows no provider '{}'", origin.provider)))
    }

    async fn revoke(&self, origin: &Origin, _: &Credential) -> Result<Revoked, IssueError> {
        Err(IssueError::Refused(format!("this host knows no provider '{}'", origin.provider)))
    }
}
