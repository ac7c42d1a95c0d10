//! Introspection (RFC 7662): a client asks about its own tokens. Of any other text it hears that it is not active, and no more.

use portcullis_model::{
    id::ClientId,
    oauth::{AccessToken, Grant},
};
use serde_json::{Map, Value, json};

use super::{
    AuthorizationServer, Request, answer::TokenSort, authenticate::Caller, error::OAuthError, format::Sort, scopes,
};

/// Whether a token is the caller's. One without a registered key is known by the key that its tokens are bound to.
pub(super) fn is_own(caller: &Caller, client: &ClientId, jkt: Option<&String>) -> bool {
    caller.client.id == *client && (caller.by_registered_key || jkt.is_some_and(|jkt| Some(jkt) == caller.jkt.as_ref()))
}

fn inactive() -> Value {
    json!({ "active": false })
}

/// `act` of RFC 8693, 4.1: the latest actor outermost, and the subject itself not among them.
fn act(actors: &[ClientId]) -> Option<Value> {
    let (_, acting) = actors.split_last()?;
    let with = |inner: Option<Value>, actor: &ClientId| {
        let mut one = Map::from_iter([("sub".to_owned(), Value::from(actor.as_str()))]);
        one.extend(inner.map(|inner| ("act".to_owned(), inner)));
        Some(Value::Object(one))
    };
    acting.iter().rev().fold(None, with)
}

impl AuthorizationServer {
    /// Answers a request to the introspection endpoint.
    pub async fn introspect(&self, request: &Request) -> Result<Value, OAuthError> {
        let caller = self.identify(request).await?;
        self.introspect_for(&caller, request).await
    }

    /// The same, where it is known who asks.
    pub async fn introspect_for(&self, caller: &Caller, request: &Request) -> Result<Value, OAuthError> {
        self.admit(caller)?;
        let token = request.params.need("token")?.as_bytes();
        if let Some(digest) = Sort::Access.digest(token) {
            let Some(standing) = self.store().standing(&digest).await? else { return Ok(inactive()) };
            let own = is_own(caller, &standing.token.client, standing.token.jkt.as_ref());
            let good = own && super::check::over(&standing, self.now()).is_none();
            return Ok(if good { self.access(&standing.token) } else { inactive() });
        }
        let Some(digest) = Sort::Refresh.digest(token) else { return Ok(inactive()) };
        match self.store().grant_by(&digest).await? {
            Some((grant, generation)) if is_own(caller, &grant.client, grant.jkt.as_ref()) => {
                let gone = caller.client.has_ended(grant.created);
                Ok(if gone { inactive() } else { self.family(&grant, generation) })
            }
            _ => Ok(inactive()),
        }
    }

    fn access(&self, token: &AccessToken) -> Value {
        let mut body = json!({
            "active": true,
            "client_id": token.client,
            "token_type": TokenSort::of(token.jkt.as_ref()).name(),
            "iat": token.issued.0 / 1000,
            "exp": token.expires.0 / 1000,
            "iss": self.settings().issuer,
            "aud": token.audience,
            "sub": token.actors.last().unwrap_or(&token.client),
            "scope": scopes::words(&token.scopes),
            "authorization_details": scopes::details(&token.scopes),
            "portcullis_tenant": token.tenant,
            "portcullis_installation": token.installation,
            "portcullis_release": token.release,
        });
        if let Some(jkt) = &token.jkt {
            body["cnf"] = json!({ "jkt": jkt });
        }
        if let Some(act) = act(&token.actors) {
            body["act"] = act;
        }
        body
    }

    fn family(&self, grant: &Grant, generation: u64) -> Value {
        let present = grant.refreshing.is_some_and(|family| family.generation == generation);
        if !present || grant.revoked.is_some() || grant.expires <= self.now() {
            return inactive();
        }
        json!({
            "active": true,
            "client_id": grant.client,
            "iss": self.settings().issuer,
            "exp": grant.expires.0 / 1000,
            "aud": grant.audience,
            "sub": grant.client,
            "scope": scopes::words(&grant.scopes),
            "authorization_details": scopes::details(&grant.scopes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_nest_with_the_latest_outermost() {
        let ids = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<ClientId>>();
        assert_eq!(act(&ids(&[])), None);
        assert_eq!(act(&ids(&["b", "a"])), Some(json!({ "sub": "b" })));
        assert_eq!(act(&ids(&["c", "b", "a"])), Some(json!({ "sub": "c", "act": { "sub": "b" } })));
    }
}
