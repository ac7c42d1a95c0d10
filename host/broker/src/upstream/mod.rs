//! Answers for the host as a client of other people's authorization servers: codes exchanged, tokens renewed, tokens revoked, by
//! each provider's definition.
//!
//! Own code on the one HTTP client, and not the crate `oauth2`: what would be left of that here is the encoding of a form. It has
//! no `private_key_jwt`; its answer types do not take errors with the status 200, tokens within other objects, or a request in
//! JSON, and would be replaced; when an answer does not parse, its error holds the answer's bytes, tokens included; its tokens
//! are plain strings in memory; and it draws its own randomness.
//!
//! Invariants: a secret goes to the token or the revocation endpoint of its own provider and nowhere else; one request a call,
//! never a second try; an error says whether the provider may have acted, and holds no secret.

mod answer;
mod assertion;
pub(crate) mod call;
mod params;
mod request;

use std::sync::Arc;

use answer::{Heard, Said};
pub use assertion::check_key;
use async_trait::async_trait;
use call::Caller;
use portcullis_model::{
    connection::Origin,
    id::ProviderId,
    secret::Secret,
    time::{Clock, Rng},
};
use request::{Asking, Token};

use crate::{
    egress::{Config, EgressError},
    issue::{Conduct, Credential, IssueError, Issued, Issuer, Revoked},
    providers::{ProviderError, Providers, Resolved, Way, definition::RevokeStyle},
    resolve::Resolve,
};

/// The host's OAuth client.
pub struct Upstream {
    providers: Arc<Providers>,
    caller: Caller,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl Upstream {
    /// A client of these providers, which reaches them as egress reaches hosts.
    pub fn new(
        config: &Config,
        resolver: Arc<dyn Resolve>,
        providers: Arc<Providers>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, EgressError> {
        Ok(Self { providers, caller: Caller::new(config, resolver)?, clock, rng })
    }

    /// The providers.
    pub fn providers(&self) -> &Arc<Providers> {
        &self.providers
    }

    /// Exchanges an authorization code (RFC 6749, 4.1.3; RFC 7636, 4.5). `redirect` is exactly what the authorization request had.
    pub async fn exchange(
        &self,
        origin: &Origin,
        client: Option<&Secret>,
        code: &Secret,
        redirect: &str,
        verifier: Option<&Secret>,
    ) -> Result<Issued, IssueError> {
        let resolved = self.resolve(origin)?;
        let asking = self.asking(&resolved, client);
        let call = asking.code(code, redirect, verifier).map_err(IssueError::Refused)?;
        let answered = self.caller.send_secret(call).await;
        self.heard(&resolved, [Some(code), verifier, client]).issued(answered)
    }

    fn resolve(&self, origin: &Origin) -> Result<Resolved, IssueError> {
        self.providers.resolve(origin).map_err(|error: ProviderError| IssueError::Refused(error.to_string()))
    }

    fn asking<'a>(&'a self, resolved: &'a Resolved, client: Option<&'a Secret>) -> Asking<'a> {
        Asking { resolved, client, now: self.clock.now(), rng: &*self.rng }
    }

    fn heard<'a, const N: usize>(&self, resolved: &'a Resolved, secrets: [Option<&'a Secret>; N]) -> Heard<'a> {
        let secrets = secrets.into_iter().flatten().collect();
        Heard { definition: &resolved.definition, secrets, now: self.clock.now() }
    }

    /// Ends one token. One that is gone already is ended.
    async fn end(&self, resolved: &Resolved, token: Token<'_>, client: Option<&Secret>) -> Result<(), IssueError> {
        let call = self.asking(resolved, client).revocation(token).map_err(IssueError::Refused)?;
        let answered = self.caller.send_secret(call).await;
        let bearer = resolved.definition.revoke.as_ref().is_some_and(|revoke| revoke.style == RevokeStyle::Bearer);
        let names_tokens = resolved.definition.revoke.as_ref().is_some_and(|revoke| {
            // These answer 200 for a token that they do not know (RFC 7009, 2.2).
            matches!(revoke.style, RevokeStyle::Rfc7009 | RevokeStyle::Form)
        });
        let status = answered.as_ref().map_or(0, |reply| reply.status);
        match self.heard(resolved, [Some(token.secret()), client]).said(answered)? {
            Said::Fine => Ok(()),
            // Who shows a token and is not let in has no token any more; who names one that is not there, neither.
            Said::Error(..) if (bearer && status == 401) || (status == 404 && !names_tokens) => Ok(()),
            Said::Error(code, error) => {
                let gone = resolved.definition.revoke.as_ref().is_some_and(|revoke| revoke.gone.contains(&code));
                if gone { Ok(()) } else { Err(error) }
            }
        }
    }
}

#[async_trait]
impl Issuer for Upstream {
    fn conduct(&self, provider: &ProviderId) -> Option<Conduct> {
        let definition = self.providers.get(provider).ok()?;
        Some(Conduct {
            renewable: definition.way != Way::Static,
            own_means: matches!(definition.way, Way::ClientCredentials | Way::AppInstallation),
            renewal_ends_old: definition.conduct.renewal_ends_old,
            refresh_once: definition.conduct.refresh_once,
            revocable: definition.revoke.is_some(),
        })
    }

    async fn renew(&self, origin: &Origin, credential: &Credential) -> Result<Issued, IssueError> {
        let resolved = self.resolve(origin)?;
        let (client, refresh) = (credential.client.as_ref(), credential.refresh.as_ref());
        let asking = self.asking(&resolved, client);
        let call = match (resolved.definition.way, refresh) {
            (Way::AuthorizationCode, Some(refresh)) => asking.refresh(refresh),
            (Way::AuthorizationCode, None) => {
                return Err(IssueError::GrantGone("it gave no refresh token; consent anew".to_owned()));
            }
            (Way::ClientCredentials, _) => asking.client_credentials(),
            (Way::AppInstallation, _) => asking.app(),
            (Way::Static, _) => Err("a static token is not renewed; store a new one".to_owned()),
        };
        let answered = self.caller.send_secret(call.map_err(IssueError::Refused)?).await;
        self.heard(&resolved, [refresh, client, credential.access.as_ref()]).issued(answered)
    }

    async fn revoke(&self, origin: &Origin, credential: &Credential) -> Result<Revoked, IssueError> {
        let resolved = self.resolve(origin)?;
        let Some(revoke) = resolved.definition.revoke.as_ref().filter(|_| resolved.revoke.is_some()) else {
            return Ok(Revoked::NotOffered);
        };
        let client = credential.client.as_ref();
        let refresh = credential.refresh.as_ref().map(Token::Refresh);
        // These styles name an access token and no other.
        let refresh = refresh.filter(|_| matches!(revoke.style, RevokeStyle::Rfc7009 | RevokeStyle::Form));
        let access = credential.access.as_ref().map(Token::Access);
        let both = [refresh, access].into_iter().flatten();
        for token in both.take(if revoke.ends_pair { 1 } else { 2 }) {
            self.end(&resolved, token, client).await?;
        }
        Ok(Revoked::Confirmed)
    }
}

#[cfg(test)]
mod tests;
