//! Tokens for automation: programs of a tenant's own that use the admin API (RFC 6749, 4.4, by RFC 7523).
//!
//! What such a token may do is not said in it: role, networks and end are those of the automation at the time of each request.
//!
//! Invariants: an assertion is good once, wherever the host starts anew in between; nobody learns whether a client exists, or from where
//! it may come.

use std::{net::IpAddr, time::Duration};

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::{ClientId, Digest},
    people::{Automation, AutomationChange, AutomationStore, AutomationToken},
};
use serde_json::{Value, json};

use super::{
    AuthorizationServer, Request, assertion,
    authenticate::{check_form, stranger, wrong_assertion},
    error::{Code, OAuthError},
    format::Sort,
    jws::Jws,
};

/// How long a token lasts.
pub const LIFE: Duration = Duration::from_secs(600);

/// The digest that a presented token is kept under; `None` where it is no token of automation.
pub fn digest(token: &[u8]) -> Option<Digest> {
    Sort::Automation.digest(token)
}

/// Whether a text says that it is such a token.
pub fn is_named(token: &[u8]) -> bool {
    token.starts_with(Sort::Automation.prefix().as_bytes())
}

impl AuthorizationServer {
    /// Whether a request says that it is by automation. Nothing is checked yet.
    pub fn is_by_automation(&self, request: &Request) -> bool {
        let jws = request.params.get("client_assertion").and_then(|text| Jws::parse(text).ok());
        let subject = jws.as_ref().and_then(assertion::subject);
        let named = subject.or_else(|| request.params.get("client_id").map(str::to_owned));
        self.automation.is_some() && named.is_some_and(|id| Automation::is_named(&id))
    }

    /// Answers a request of automation to the token endpoint. Whoever calls this sends the answer to the client and nowhere else.
    ///
    /// # Errors
    /// As RFC 6749, 5.2 has them.
    pub async fn automation_token(&self, request: &Request, from: Option<IpAddr>) -> Result<Value, OAuthError> {
        let unknown = || stranger("unknown-client");
        let store = self.automation.as_deref().ok_or_else(unknown)?;
        let (one, key) = self.prove(store, request, from).await?;
        match request.params.need("grant_type")? {
            "client_credentials" => {}
            _ => return Err(OAuthError::new(Code::UnsupportedGrantType, "automation asks by client_credentials")),
        }
        if request.params.get("scope").is_some() {
            let help =
                "no scope is asked for here: what the token is good for is the role that the automation was made with";
            return Err(OAuthError::new(Code::InvalidScope, help));
        }
        let now = self.now();
        let access = Sort::Automation.random(self.parts.rng.as_ref());
        let digest = digest(access.expose()).ok_or_else(OAuthError::unavailable)?;
        let expires = now.plus(LIFE).min(one.until);
        let entry = Entry::new(now, Kind::TokenIssued, Actor::Automation { client: one.id.clone() }, Some(one.tenant))
            .about(format!("client:{}", one.id))
            .with("client", one.id.as_str())
            .with("expires", expires.to_string())
            .with("key", key.as_str());
        let token = Some(AutomationToken { digest, client: one.id, key, expires });
        store.change_automation(AutomationChange { token, entries: vec![entry], ..Default::default() }).await?;
        let text = String::from_utf8_lossy(access.expose()).into_owned();
        let seconds = expires.distance(now).as_secs();
        Ok(json!({ "access_token": text, "token_type": "Bearer", "expires_in": seconds }))
    }

    /// Who asks, and the thumbprint of the key that says so.
    async fn prove(
        &self,
        store: &dyn AutomationStore,
        request: &Request,
        from: Option<IpAddr>,
    ) -> Result<(Automation, String), OAuthError> {
        let now = self.now();
        self.everybody.take(&(), now).map_err(OAuthError::too_many)?;
        check_form(request)?;
        let params = &request.params;
        let text = params.get("client_assertion").ok_or_else(|| stranger("wrong-method"))?;
        if params.get("client_assertion_type") != Some(assertion::TYPE) {
            return Err(wrong_assertion(&format!("client_assertion_type must be {}", assertion::TYPE)));
        }
        let jws = Jws::parse(text).map_err(|why| wrong_assertion(&why))?;
        let id = assertion::subject(&jws).ok_or_else(|| stranger("wrong-assertion"))?;
        if params.get("client_id").is_some_and(|named| named != id) {
            let why = OAuthError::client("client_id and the client_assertion's 'sub' are not the same");
            return Err(why.counted_for("wrong-assertion"));
        }
        let id: ClientId = id.parse().map_err(|_| stranger("unknown-client"))?;
        let found = store.automation(&id).await?.filter(|one| one.holds(now));
        let one = found.ok_or_else(|| stranger("unknown-client"))?;
        let (token, own) = (self.settings().endpoint("token"), self.settings().endpoint(request.endpoint));
        let audiences = [self.settings().issuer.as_str(), &token, &own];
        let asserted = assertion::check(&jws, id.as_str(), one.good_keys(now), &audiences, now);
        // The same words for a key that is not its own as for a client that is not there.
        let asserted = asserted.map_err(|why| match why.as_str() {
            assertion::NO_KEY => stranger("unknown-key"),
            _ => wrong_assertion(&why),
        })?;
        if !from.is_some_and(|address| one.is_near(address)) {
            return Err(stranger("address"));
        }
        self.each.take(&id.to_string(), now).map_err(OAuthError::too_many)?;
        let use_of = Digest::of(format!("{id}\n{}", asserted.jti).as_bytes());
        let key = asserted.key.thumbprint.clone();
        if !self.store().first_use(&one.tenant, &format!("assertion:{}", use_of.hex()), asserted.until, now).await? {
            let why = OAuthError::client("the client_assertion was used before: make a new one for each request");
            return Err(why.counted_for("replayed-assertion"));
        }
        Ok((one, key))
    }
}
