//! The token endpoint: which grant is asked for, and what a refusal leaves behind.

use portcullis_model::{
    audit::{Entry, Kind},
    oauth::{Change, Grant, Put},
    time::Timestamp,
};

use super::{
    AuthorizationServer, Request,
    answer::TokenAnswer,
    authenticate::Caller,
    error::{Code, OAuthError},
};

/// The grants that exist (RFC 8414, `grant_types_supported`).
pub(super) const GRANTS: [&str; 4] =
    ["authorization_code", "client_credentials", "refresh_token", super::exchange::GRANT];

impl AuthorizationServer {
    /// Answers a request to the token endpoint (RFC 6749, 3.2).
    pub async fn token(&self, request: &Request) -> Result<TokenAnswer, OAuthError> {
        let caller = self.authenticate(request).await?;
        let answer = match request.params.need("grant_type") {
            Ok("authorization_code") => self.redeem(&caller, &request.params).await,
            Ok("client_credentials") => self.client_credentials(&caller, &request.params).await,
            Ok("refresh_token") => self.refresh(&caller, &request.params).await,
            Ok(super::exchange::GRANT) => self.exchange(&caller, &request.params).await,
            Ok("password" | "implicit") => Err(OAuthError::new(
                Code::UnsupportedGrantType,
                "password and implicit grants do not exist here; use authorization_code with PKCE, or client_credentials",
            )),
            Ok(_) => Err(OAuthError::new(
                Code::UnsupportedGrantType,
                format!("there is no such grant; known are: {}", GRANTS.join(", ")),
            )),
            Err(error) => Err(error),
        };
        if let Err(error) = &answer
            && caller.by_registered_key
        {
            self.note_refusal(&caller, error).await?;
        }
        answer
    }

    /// The log keeps what clients that proved themselves were refused: those alone, so that nobody else can fill it.
    async fn note_refusal(&self, caller: &Caller, error: &OAuthError) -> Result<(), OAuthError> {
        let entry = caller
            .entry(self.now(), Kind::TokenRefused)
            .with("error", error.code.name())
            .with("reason", error.description.as_str());
        self.store().change(Change { entries: vec![entry], ..Change::default() }).await?;
        Ok(())
    }

    /// Ends a grant and all of its tokens, by the caller's doing. False where somebody else was faster.
    pub(super) async fn end(
        &self,
        caller: &Caller,
        grant: &Grant,
        (kind, why): (Kind, &str),
        now: Timestamp,
    ) -> Result<bool, OAuthError> {
        if grant.revoked.is_some() {
            return Ok(true);
        }
        let row = Grant { revoked: Some(now), version: grant.version + 1, ..grant.clone() };
        // Whoever presented it, it is the grant's tenant that must know.
        let entry = Entry::new(now, kind, caller.actor(), Some(grant.tenant.clone()))
            .about(format!("installation:{}", grant.installation))
            .with("grant", grant.id.as_str())
            .with("of", grant.client.as_str())
            .with("reason", why);
        let put = Put { row, expected: Some(grant.version) };
        Ok(self.store().change(Change { grant: Some(put), entries: vec![entry], ..Change::default() }).await?)
    }
}
