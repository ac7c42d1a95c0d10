//! Revocation (RFC 7009): a client ends its own tokens. A refresh token takes its whole grant with it.

use portcullis_model::{audit::Kind, oauth::Change};

use super::{
    AuthorizationServer, Request, TRIES, authenticate::Caller, error::OAuthError, format::Sort, introspect::is_own,
};

impl AuthorizationServer {
    /// Answers a request to the revocation endpoint. A token that is unknown, or another's, is no error (RFC 7009, 2.2).
    pub async fn revoke(&self, request: &Request) -> Result<(), OAuthError> {
        let caller = self.identify(request).await?;
        self.revoke_for(&caller, request).await
    }

    /// The same, where it is known who asks.
    pub async fn revoke_for(&self, caller: &Caller, request: &Request) -> Result<(), OAuthError> {
        self.admit(caller)?;
        let token = request.params.need("token")?.as_bytes();
        if let Some(digest) = Sort::Access.digest(token) {
            let Some(standing) = self.store().standing(&digest).await? else { return Ok(()) };
            let token = standing.token;
            if !is_own(caller, &token.client, token.jkt.as_ref()) || token.revoked.is_some() {
                return Ok(());
            }
            let now = self.now();
            let entry = caller.entry(now, Kind::TokenRevoked).with("token", token.reference());
            let change = Change { revoked: Some((digest, now)), entries: vec![entry], ..Change::default() };
            self.store().change(change).await?;
            return Ok(());
        }
        self.revoke_grant(caller, token).await
    }

    async fn revoke_grant(&self, caller: &Caller, token: &[u8]) -> Result<(), OAuthError> {
        let Some(digest) = Sort::Refresh.digest(token) else { return Ok(()) };
        for _ in 0..TRIES {
            let Some((grant, _)) = self.store().grant_by(&digest).await? else { return Ok(()) };
            if !is_own(caller, &grant.client, grant.jkt.as_ref()) {
                return Ok(());
            }
            if self.end(caller, &grant, (Kind::TokenRevoked, "revoked by its client"), self.now()).await? {
                return Ok(());
            }
        }
        Err(OAuthError::unavailable())
    }
}
