//! Authorization codes at the token endpoint (RFC 6749, 4.1.3; RFC 7636, 4.5; RFC 9700, 2.1.1).
//!
//! Invariant: a code works once, within a minute, for its own client, redirection URI, verifier and key; every other use of it ends
//! what it gave.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_model::{
    audit::Kind,
    id::Digest,
    oauth::{Change, CodeState, Grant, GrantKey, Put, Refreshing},
    time::Timestamp,
};
use sha2::{Digest as _, Sha256};

use super::{
    AuthorizationServer, GRANT_LIFE, Params, TRIES, answer::TokenAnswer, authenticate::Caller, error::OAuthError,
    format::Sort, issue::Narrowed, scopes,
};
use crate::hmac::same;

/// What is told whoever presents a code that does not hold: all the same.
fn refused() -> OAuthError {
    OAuthError::grant(
        "the code is unknown, over or used, or was issued for another client, redirect_uri or code_verifier",
    )
}

/// Whether this is the verifier behind an S256 challenge (RFC 7636, 4.6).
fn is_behind(verifier: &str, challenge: &str) -> bool {
    let fit = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(fit)
        && same(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)).as_bytes(), challenge.as_bytes())
}

/// Why a code must not be presented like this; `None`: it may.
fn misuse(caller: &Caller, grant: &Grant, code: &CodeState, params: &Params) -> Option<&'static str> {
    let verifier = params.get("code_verifier").unwrap_or_default();
    if grant.client != caller.client.id {
        Some("another client presented the code")
    } else if code.used {
        Some("the code was used a second time")
    } else if params.get("redirect_uri") != Some(code.redirect.as_str()) {
        Some("the code came with another redirect_uri")
    } else if !is_behind(verifier, &code.challenge) {
        Some("the code came with another code_verifier")
    } else if grant.jkt.is_some() && grant.jkt != caller.jkt {
        Some("the code came with another key")
    } else {
        None
    }
}

impl AuthorizationServer {
    pub(super) async fn redeem(&self, caller: &Caller, params: &Params) -> Result<TokenAnswer, OAuthError> {
        let digest = Sort::Code.digest(params.need("code")?.as_bytes()).ok_or_else(refused)?;
        for _ in 0..TRIES {
            let now = self.now();
            let Some((grant, 0)) = self.store().grant_by(&digest).await? else { return Err(refused()) };
            let Some(code) = grant.code.clone() else { return Err(refused()) };
            if let Some(why) = misuse(caller, &grant, &code, params) {
                match self.end(caller, &grant, (Kind::CodeMisused, why), now).await? {
                    true => return Err(refused()),
                    false => continue,
                }
            }
            if grant.revoked.is_some() || code.expires <= now || caller.client.has_ended(grant.created) {
                return Err(refused());
            }
            if let Some(answer) = self.redeemed((caller, params), grant, code, now).await? {
                return Ok(answer);
            }
        }
        Err(OAuthError::unavailable())
    }

    /// The tokens for a code that holds; `None` where somebody else was faster.
    async fn redeemed(
        &self,
        (caller, params): (&Caller, &Params),
        grant: Grant,
        code: CodeState,
        now: Timestamp,
    ) -> Result<Option<TokenAnswer>, OAuthError> {
        self.same_audience(params, &grant.audience)?;
        let authority = self.authority(&caller.client, &caller.installation).await?;
        let left = scopes::meet(self.parts.catalogue.as_ref(), &authority, &grant.scopes)?;
        let left = scopes::not_empty(left)?;
        let row = Grant {
            code: Some(CodeState { used: true, ..code }),
            jkt: caller.bound(),
            refreshing: Some(Refreshing { generation: 1, rotated: now, retried: false }),
            expires: now.plus(GRANT_LIFE),
            version: grant.version + 1,
            ..grant.clone()
        };
        let minted = self.mint(caller, &row, left, caller.jkt.clone(), Narrowed::default(), now);
        let refresh = Sort::Refresh.random(self.parts.rng.as_ref());
        let key = GrantKey { digest: Digest::of(refresh.expose()), grant: grant.id.clone(), generation: 1 };
        let change = Change {
            grant: Some(Put { row, expected: Some(grant.version) }),
            key: Some(key),
            access: Some(minted.row.clone()),
            entries: vec![minted.entry.clone()],
            ..Change::default()
        };
        let done = self.store().change(change).await?;
        Ok(done.then(|| minted.answer(Some(refresh), false, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_behind("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
        assert!(!is_behind("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", challenge));
        assert!(!is_behind(challenge, challenge), "that would be 'plain'");
        assert!(!is_behind("short", "short"));
    }
}
