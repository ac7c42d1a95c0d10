//! Refresh tokens: rotation with reuse detection (RFC 6749, 6; RFC 9700, 4.14).
//!
//! Invariants:
//! - the present token gives a successor, and is its immediate predecessor from then on;
//! - the immediate predecessor may be retried once, by the same client, within 10 seconds of its rotation, and gets the same
//!   successor: an answer that was lost on its way costs nobody the grant;
//! - any older token, a second retry, a later one, another client or another key ends the whole family;
//! - a successor is derived from its predecessor and the server's key, so that it can be given again and nothing secret is stored:
//!   the database and the key together give no token, nor does one token without the key.

use portcullis_model::{
    audit::Kind,
    id::Digest,
    oauth::{Change, Grant, GrantKey, Put, Refreshing},
    secret::Secret,
    time::Timestamp,
};

use super::{
    AuthorizationServer, Params, RETRY, TRIES,
    answer::TokenAnswer,
    authenticate::Caller,
    error::OAuthError,
    format::Sort,
    issue::Narrowed,
    scopes::{self, Asked},
};
use crate::hmac::digest;

/// What a refresh token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// It is the present one.
    Rotate,
    /// It is the immediate predecessor, presented again in time.
    Retry,
    /// It must not be presented any more: whoever does has stolen it, or was stolen from.
    Reuse(&'static str),
}

fn judge(caller: &Caller, grant: &Grant, family: Refreshing, generation: u64, now: Timestamp) -> Use {
    if grant.client != caller.client.id {
        return Use::Reuse("another client presented the refresh token");
    }
    // A client with registered keys has proved itself by one of them, which may be another one by now.
    if !caller.by_registered_key && grant.jkt.is_some() && grant.jkt != caller.jkt {
        return Use::Reuse("the refresh token came with another key");
    }
    if generation == family.generation {
        return Use::Rotate;
    }
    if generation + 1 != family.generation {
        return Use::Reuse("an old refresh token was used");
    }
    // A clock that was set back does not make the time longer.
    if now < family.rotated || now.distance(family.rotated) > RETRY {
        return Use::Reuse("a refresh token was used again after its time");
    }
    if family.retried { Use::Reuse("a refresh token was retried more than once") } else { Use::Retry }
}

fn refused() -> OAuthError {
    OAuthError::grant("the refresh token is unknown, over or revoked; ask for authorization anew")
}

impl AuthorizationServer {
    pub(super) async fn refresh(&self, caller: &Caller, params: &Params) -> Result<TokenAnswer, OAuthError> {
        let presented = params.need("refresh_token")?.as_bytes();
        let digest = Sort::Refresh.digest(presented).ok_or_else(refused)?;
        for _ in 0..TRIES {
            let now = self.now();
            let Some((grant, generation)) = self.store().grant_by(&digest).await? else { return Err(refused()) };
            let Some(family) = grant.refreshing else { return Err(refused()) };
            let gone = grant.client == caller.client.id && caller.client.has_ended(grant.created);
            if gone || grant.revoked.is_some() || grant.expires <= now {
                return Err(refused());
            }
            let used = judge(caller, &grant, family, generation, now);
            if let Use::Reuse(why) = used {
                match self.end(caller, &grant, (Kind::RefreshReused, why), now).await? {
                    true => return Err(refused()),
                    false => continue,
                }
            }
            if !caller.by_registered_key {
                self.each.take(&grant.id.to_string(), now).map_err(OAuthError::too_many)?;
            }
            let successor = self.successor(&grant, presented);
            if used == Use::Retry && !self.is_present(&grant, family, &successor).await? {
                return Err(refused());
            }
            let next = match used {
                Use::Rotate => Refreshing { generation: generation + 1, rotated: now, retried: false },
                _ => Refreshing { retried: true, ..family },
            };
            if let Some(answer) = self.refreshed(caller, params, grant, (next, successor, used), now).await? {
                return Ok(answer);
            }
        }
        Err(OAuthError::unavailable())
    }

    /// The token that follows this one, each time the same.
    fn successor(&self, grant: &Grant, presented: &[u8]) -> Secret {
        let key = Secret::new(self.parts.key.bytes().to_vec());
        Sort::Refresh
            .of(&digest(&key, &[b"portcullis refresh token\n", grant.id.as_str().as_bytes(), b"\n", presented]))
    }

    /// Whether this is the family's present token. It is not where the server's key is another one since: then it cannot be given
    /// again.
    async fn is_present(&self, grant: &Grant, family: Refreshing, token: &Secret) -> Result<bool, OAuthError> {
        let found = self.store().grant_by(&Digest::of(token.expose())).await?;
        Ok(found.is_some_and(|(of, generation)| of.id == grant.id && generation == family.generation))
    }

    /// The tokens; `None` where somebody else was faster.
    async fn refreshed(
        &self,
        caller: &Caller,
        params: &Params,
        grant: Grant,
        (next, successor, used): (Refreshing, Secret, Use),
        now: Timestamp,
    ) -> Result<Option<TokenAnswer>, OAuthError> {
        self.same_audience(params, &grant.audience)?;
        let catalogue = self.parts.catalogue.as_ref();
        let authority = self.authority(&caller.client, &caller.installation).await?;
        let left = scopes::meet(catalogue, &authority, &grant.scopes)?;
        let left = match Asked::read(params, catalogue)? {
            Some(asked) => asked.of(&left, catalogue)?,
            None => left,
        };
        let left = scopes::not_empty(left)?;
        let row = Grant { refreshing: Some(next), version: grant.version + 1, ..grant.clone() };
        let minted = self.mint(caller, &row, left, caller.jkt.clone(), Narrowed::default(), now);
        let entry = minted.entry.clone().with("refresh", next.generation).with("retried", used == Use::Retry);
        let key =
            GrantKey { digest: Digest::of(successor.expose()), grant: grant.id.clone(), generation: next.generation };
        let change = Change {
            grant: Some(Put { row, expected: Some(grant.version) }),
            key: (used == Use::Rotate).then_some(key),
            access: Some(minted.row.clone()),
            entries: vec![entry],
            ..Change::default()
        };
        let done = self.store().change(change).await?;
        Ok(done.then(|| minted.answer(Some(successor), false, now)))
    }
}
