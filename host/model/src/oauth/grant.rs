//! What was granted to a client, and what it was given for that. Tokens, codes and the browser's secret are here as digests
//! alone.

use serde::{Deserialize, Serialize};

use crate::{
    id::{ClientId, Digest, GrantId, InstallationId, TenantId},
    scope::ScopeText,
    time::Timestamp,
};

/// By which way a grant came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// An admin agreed in the browser (RFC 6749, 4.1).
    Authorization,
    /// The client asked for itself (RFC 6749, 4.4).
    ClientCredentials,
    /// Another token was narrowed (RFC 8693).
    Exchange,
}

/// An authorization code that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CodeState {
    /// The S256 code challenge (RFC 7636).
    pub challenge: String,
    /// The redirection URI of the request.
    pub redirect: String,
    /// When the code ends.
    pub expires: Timestamp,
    /// Whether it was used.
    pub used: bool,
}

/// A family of refresh tokens: the present one and those that it replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Refreshing {
    /// Counts them from 1: the present one's.
    pub generation: u64,
    /// When the present one was issued.
    pub rotated: Timestamp,
    /// Whether its immediate predecessor was retried already.
    pub retried: bool,
}

/// A grant. All tokens that come from it end with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// To whom.
    pub client: ClientId,
    /// Whose data.
    pub tenant: TenantId,
    /// On behalf of which installation.
    pub installation: InstallationId,
    /// For which resource server (RFC 8707).
    pub audience: String,
    /// What was granted, at most.
    pub scopes: Vec<ScopeText>,
    /// The thumbprint of the key that its refresh tokens are bound to, for a client without registered keys (RFC 9449, 5).
    pub jkt: Option<String>,
    /// How it came about.
    pub origin: Origin,
    /// When.
    pub created: Timestamp,
    /// When it ends at the latest.
    pub expires: Timestamp,
    /// When it was revoked; absent while it is not.
    pub revoked: Option<Timestamp>,
    /// The code that it begins with, where it does.
    pub code: Option<CodeState>,
    /// Its refresh tokens, where it has any.
    pub refreshing: Option<Refreshing>,
    /// Goes up with each change.
    pub version: u64,
}

/// What leads to a grant: a code's digest (generation 0), or a refresh token's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantKey {
    /// The digest of the code or token.
    pub digest: Digest,
    /// Which grant.
    pub grant: GrantId,
    /// Which of the family's tokens; 0 for the code.
    pub generation: u64,
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AccessToken {
    /// Its digest.
    pub digest: Digest,
    /// Where it comes from.
    pub grant: GrantId,
    /// Whose it is.
    pub client: ClientId,
    /// Whose data.
    pub tenant: TenantId,
    /// On behalf of which installation.
    pub installation: InstallationId,
    /// For this release of it alone.
    pub release: Digest,
    /// For this resource server alone.
    pub audience: String,
    /// What it was narrowed to.
    pub scopes: Vec<ScopeText>,
    /// The thumbprint of the key that it is bound to (RFC 9449, 6).
    pub jkt: Option<String>,
    /// Who acts on behalf of whom, the latest first (RFC 8693, 4.1); empty where nobody but the client does.
    pub actors: Vec<ClientId>,
    /// The token that it was narrowed from: it ends with that.
    pub parent: Option<Digest>,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was revoked; absent while it is not.
    pub revoked: Option<Timestamp>,
}

impl AccessToken {
    /// How the audit log calls it: a part of its digest, which leads to no token.
    pub fn reference(&self) -> String {
        format!("tok:{}", self.digest.short())
    }
}

/// What was decided about a request for authorization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    /// Nothing yet.
    Waiting,
    /// An admin agreed to this much.
    Approved {
        /// To what.
        #[serde(rename = "agreed")]
        scopes: Vec<ScopeText>,
    },
    /// An admin refused.
    Denied,
    /// The browser was sent back to the client.
    Answered,
}

/// A request for authorization that waits for an admin (RFC 6749, 4.1.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pending {
    /// Its id, which the page's address has. Of no use without the browser's secret.
    pub id: GrantId,
    /// The digest of the browser's secret.
    pub browser: Digest,
    /// What the page shows and the admin types in.
    pub code: String,
    /// Who asks.
    pub client: ClientId,
    /// In which tenant.
    pub tenant: TenantId,
    /// Where the browser goes back to.
    pub redirect: String,
    /// The client's `state`, given back as it came.
    pub state: Option<String>,
    /// The S256 code challenge (RFC 7636).
    pub challenge: String,
    /// For which resource server.
    pub audience: String,
    /// What is asked for, less what the installation may not do anyway.
    pub scopes: Vec<ScopeText>,
    /// The key that the code is bound to, where the client names one (RFC 9449, 10).
    pub jkt: Option<String>,
    /// When it was asked.
    pub created: Timestamp,
    /// Until when an admin can decide.
    pub expires: Timestamp,
    /// What was decided.
    #[serde(flatten)]
    pub decision: Decision,
    /// Goes up with each change.
    pub version: u64,
}
