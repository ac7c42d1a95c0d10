//! Making access tokens, and the audit entries beside them.

use portcullis_model::{
    audit::{Entry, Kind},
    id::{ClientId, Digest, GrantId},
    oauth::{AccessToken, Grant, Origin},
    scope::ScopeText,
    secret::Secret,
    time::Timestamp,
};

use super::{
    ACCESS_LIFE, AuthorizationServer,
    answer::{TokenAnswer, TokenSort},
    authenticate::Caller,
    format::Sort,
    scopes,
};

/// How much of a token's scopes the log keeps, in bytes; of more it keeps the kinds alone.
const LOGGED: usize = 16 * 1024;

/// An access token that is about to be issued.
pub(super) struct Minted {
    pub(super) secret: Secret,
    pub(super) row: AccessToken,
    pub(super) entry: Entry,
}

/// What an exchanged token comes from.
#[derive(Default)]
pub(super) struct Narrowed {
    pub(super) parent: Option<Digest>,
    pub(super) actors: Vec<ClientId>,
    pub(super) until: Option<Timestamp>,
}

impl AuthorizationServer {
    /// A token of this grant, for the caller.
    pub(super) fn mint(
        &self,
        caller: &Caller,
        grant: &Grant,
        scopes: Vec<ScopeText>,
        jkt: Option<String>,
        from: Narrowed,
        now: Timestamp,
    ) -> Minted {
        let secret = Sort::Access.random(self.parts.rng.as_ref());
        let longest = now.plus(ACCESS_LIFE).min(grant.expires);
        let row = AccessToken {
            digest: Digest::of(secret.expose()),
            grant: grant.id.clone(),
            client: caller.client.id.clone(),
            tenant: caller.client.tenant.clone(),
            installation: caller.installation.id.clone(),
            release: caller.installation.release,
            audience: grant.audience.clone(),
            scopes,
            jkt,
            actors: from.actors,
            parent: from.parent,
            issued: now,
            expires: from.until.map_or(longest, |until| until.min(longest)),
            revoked: None,
        };
        let entry = issued(caller, grant, &row, now);
        Minted { secret, row, entry }
    }

    /// A grant of its own for a token without an admin's part in it.
    pub(super) fn short_grant(&self, caller: &Caller, audience: String, origin: Origin, now: Timestamp) -> Grant {
        Grant {
            id: GrantId::random(self.parts.rng.as_ref()),
            client: caller.client.id.clone(),
            tenant: caller.client.tenant.clone(),
            installation: caller.installation.id.clone(),
            audience,
            scopes: Vec::new(),
            jkt: None,
            origin,
            created: now,
            expires: now.plus(ACCESS_LIFE),
            revoked: None,
            code: None,
            refreshing: None,
            version: 1,
        }
    }
}

fn issued(caller: &Caller, grant: &Grant, token: &AccessToken, now: Timestamp) -> Entry {
    let texts: Vec<String> = token.scopes.iter().map(ToString::to_string).collect();
    let mut entry = caller
        .entry(now, Kind::TokenIssued)
        .with("token", token.reference())
        .with("grant", grant.id.as_str())
        .with("by", serde_json::to_value(grant.origin).unwrap_or_default())
        .with("audience", token.audience.as_str())
        .with("release", token.release.to_string())
        .with("scope", scopes::words(&token.scopes))
        .with("expires", token.expires.to_string())
        .with("bound", token.jkt.is_some());
    if texts.iter().map(String::len).sum::<usize>() <= LOGGED {
        entry = entry.with("scopes", texts);
    }
    if !token.actors.is_empty() {
        let actors: Vec<&str> = token.actors.iter().map(ClientId::as_str).collect();
        entry = entry.with("actors", actors);
    }
    entry
}

impl Minted {
    /// The answer to the client.
    pub(super) fn answer(&self, refresh: Option<Secret>, exchanged: bool, now: Timestamp) -> TokenAnswer {
        TokenAnswer {
            access: self.secret.clone(),
            refresh,
            sort: TokenSort::of(self.row.jkt.as_ref()),
            expires_in: u64::try_from((self.row.expires.0 - now.0).max(0) / 1000).unwrap_or(0),
            scopes: self.row.scopes.clone(),
            exchanged,
        }
    }
}
