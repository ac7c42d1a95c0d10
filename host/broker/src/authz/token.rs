//! The token endpoint: which grant is asked for, and what a refusal leaves behind.

use std::{
    collections::{HashMap, hash_map::Entry as Kept},
    sync::{Mutex, PoisonError},
};

use portcullis_model::{
    audit::{Entry, Kind},
    id::ClientId,
    oauth::{Change, Grant, Put},
    time::Timestamp,
};

use super::{
    AuthorizationServer, Params, Request,
    answer::TokenAnswer,
    authenticate::Caller,
    error::{Code, OAuthError},
};

/// The grants that exist (RFC 8414, `grant_types_supported`).
pub(super) const GRANTS: [&str; 4] =
    ["authorization_code", "client_credentials", "refresh_token", super::exchange::GRANT];

/// How often the same refusal of the same client is written, in milliseconds.
const NOTED: u64 = 60_000;

/// When a client's refusals were written last, and how many there were since.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<(ClientId, Code), (Timestamp, u64)>>);

impl Refusals {
    /// Counts one. Where it is to be written: how many there were since the last one that was.
    fn note(&self, client: &ClientId, code: Code, now: Timestamp) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.entry((client.clone(), code)) {
            Kept::Occupied(mut one) if now.0.abs_diff(one.get().0.0) < NOTED => {
                one.get_mut().1 += 1;
                None
            }
            Kept::Occupied(mut one) => Some(one.insert((now, 0)).1),
            Kept::Vacant(one) => {
                one.insert((now, 0));
                Some(0)
            }
        }
    }
}

impl AuthorizationServer {
    /// Answers a request to the token endpoint (RFC 6749, 3.2).
    pub async fn token(&self, request: &Request) -> Result<TokenAnswer, OAuthError> {
        let caller = self.identify(request).await?;
        self.token_for(&caller, request).await
    }

    /// The same, where it is known who asks.
    pub async fn token_for(&self, caller: &Caller, request: &Request) -> Result<TokenAnswer, OAuthError> {
        let answer = self.give(caller, &request.params).await;
        if let Err(error) = &answer
            && caller.by_registered_key
        {
            self.note_refusal(caller, error).await?;
        }
        answer
    }

    async fn give(&self, caller: &Caller, params: &Params) -> Result<TokenAnswer, OAuthError> {
        self.admit(caller)?;
        match params.need("grant_type")? {
            "authorization_code" => self.redeem(caller, params).await,
            "client_credentials" => self.client_credentials(caller, params).await,
            "refresh_token" => self.refresh(caller, params).await,
            super::exchange::GRANT => self.exchange(caller, params).await,
            "password" | "implicit" => Err(OAuthError::new(
                Code::UnsupportedGrantType,
                "password and implicit grants do not exist here; use authorization_code with PKCE, or client_credentials",
            )),
            _ => Err(OAuthError::new(
                Code::UnsupportedGrantType,
                format!("there is no such grant; known are: {}", GRANTS.join(", ")),
            )),
        }
    }

    /// The log keeps what clients that proved themselves were refused: those alone, so that nobody else can fill it, and what is
    /// refused again and again once a minute.
    async fn note_refusal(&self, caller: &Caller, error: &OAuthError) -> Result<(), OAuthError> {
        let now = self.now();
        let Some(folded) = self.refusals.note(&caller.client.id, error.code, now) else { return Ok(()) };
        let entry = caller
            .entry(now, Kind::TokenRefused)
            .with("error", error.code.name())
            .with("reason", error.description.as_str())
            .with("before", folded);
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
            .in_trace(caller.place())
            .about(format!("installation:{}", grant.installation))
            .with("grant", grant.id.as_str())
            .with("of", grant.client.as_str())
            .with("reason", why);
        let put = Put { row, expected: Some(grant.version) };
        Ok(self.store().change(Change { grant: Some(put), entries: vec![entry], ..Change::default() }).await?)
    }
}
