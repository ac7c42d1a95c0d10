//! Token exchange (RFC 8693), for narrowing alone: the result is what the client's installation, the subject token and the request
//! have in common, for the same resource server, and ends no later than the subject token.
//!
//! Invariant: `act` names everybody in between, the latest first; a token ends with the one that it was narrowed from.

use portcullis_model::{
    id::ClientId,
    oauth::{Change, Grant, Origin, Put},
};

use super::{
    AuthorizationServer, Params,
    answer::TokenAnswer,
    authenticate::Caller,
    error::{Code, OAuthError},
    format::Sort,
    issue::Narrowed,
    scopes::{self, Asked},
};

/// The grant's name (RFC 8693, 2.1).
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The only type of token that is taken and given (RFC 8693, 3).
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// The most clients that may act one on behalf of the other, and the most tokens narrowed one from the other.
const CHAIN: usize = 5;

fn check_form(params: &Params) -> Result<&str, OAuthError> {
    if params.need("subject_token_type")? != ACCESS_TOKEN {
        return Err(OAuthError::request(format!("subject_token_type must be {ACCESS_TOKEN}")));
    }
    if params.get("requested_token_type").is_some_and(|kind| kind != ACCESS_TOKEN) {
        return Err(OAuthError::request(format!("requested_token_type must be {ACCESS_TOKEN} or absent")));
    }
    if params.get("actor_token").is_some() {
        return Err(OAuthError::request("actor_token is not supported: the client that asks is the actor"));
    }
    if params.get("audience").is_some() {
        return Err(OAuthError::new(Code::InvalidTarget, "name the resource server with 'resource' (RFC 8707)"));
    }
    params.need("subject_token")
}

fn actors(caller: &Caller, subject: &portcullis_model::oauth::AccessToken) -> Vec<ClientId> {
    if caller.client.id == subject.client {
        return subject.actors.clone();
    }
    let before = if subject.actors.is_empty() { std::slice::from_ref(&subject.client) } else { &subject.actors[..] };
    std::iter::once(&caller.client.id).chain(before).cloned().collect()
}

impl AuthorizationServer {
    pub(super) async fn exchange(&self, caller: &Caller, params: &Params) -> Result<TokenAnswer, OAuthError> {
        let invalid =
            || OAuthError::request("the subject_token is unknown, over, revoked, or not for this client to narrow");
        if !caller.by_registered_key {
            let why = "this client registered no key, so that nothing tells it from others: it cannot act for anybody";
            return Err(OAuthError::new(Code::UnauthorizedClient, why));
        }
        let digest = Sort::Access.digest(check_form(params)?.as_bytes()).ok_or_else(invalid)?;
        let now = self.now();
        let standing = self.store().standing(&digest).await?.ok_or_else(invalid)?;
        if standing.token.tenant != caller.client.tenant || super::check::over(&standing, now).is_some() {
            return Err(invalid());
        }
        let subject = standing.token;
        // Whoever does not hold the key that it is bound to may have found the token.
        if subject.jkt.is_some() && subject.jkt != caller.jkt {
            return Err(invalid());
        }
        if !params.resources().is_empty() && self.audience(params)? != subject.audience {
            return Err(OAuthError::new(Code::InvalidTarget, "the subject_token is for another resource"));
        }
        let actors = actors(caller, &subject);
        if actors.len() > CHAIN || standing.ancestors.len() + 1 >= CHAIN {
            return Err(OAuthError::request(format!("a token can be narrowed {CHAIN} times, one after the other")));
        }
        let catalogue = self.parts.catalogue.as_ref();
        let authority = self.authority(&caller.client, &caller.installation).await?;
        let left = scopes::meet(catalogue, &authority, &subject.scopes)?;
        let left = match Asked::read(params, catalogue)? {
            Some(asked) => asked.of(&left, catalogue)?,
            None => left,
        };
        let left = scopes::not_empty(left)?;
        let grant = self.short_grant(caller, subject.audience.clone(), Origin::Exchange, now);
        let grant = Grant { scopes: left.clone(), ..grant };
        let from = Narrowed { parent: Some(digest), actors, until: Some(subject.expires) };
        let minted = self.mint(caller, &grant, left, caller.jkt.clone(), from, now);
        let entry = minted.entry.clone().with("from", subject.reference());
        let change = Change {
            grant: Some(Put { row: grant, expected: None }),
            access: Some(minted.row.clone()),
            entries: vec![entry],
            ..Change::default()
        };
        match self.store().change(change).await? {
            true => Ok(minted.answer(None, true, now)),
            false => Err(OAuthError::unavailable()),
        }
    }
}
