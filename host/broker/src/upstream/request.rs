//! Answers for the requests that a provider gets: to its token endpoint, and to its revocation endpoint.
//!
//! Invariants: the client's secret goes into a header or a parameter as the definition says, and a private key goes nowhere, only
//! what it signed; what a definition adds never takes the place of the protocol's own parameters.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{
    Method,
    header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue},
};
use portcullis_model::{
    secret::Secret,
    target::Target,
    time::{Rng, Timestamp},
};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{assertion, call::Call, params::Params};
use crate::providers::{
    Resolved,
    definition::{Body, Proof, RevokeStyle, TokenEndpoint, Verb},
    template::encoded,
};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Who asks.
pub(super) struct Asking<'a> {
    pub resolved: &'a Resolved,
    pub client: Option<&'a Secret>,
    pub now: Timestamp,
    pub rng: &'a dyn Rng,
}

/// A token that is to end.
#[derive(Clone, Copy)]
pub(super) enum Token<'a> {
    Access(&'a Secret),
    Refresh(&'a Secret),
}

impl<'a> Token<'a> {
    pub fn secret(self) -> &'a Secret {
        match self {
            Self::Access(secret) | Self::Refresh(secret) => secret,
        }
    }
}

type Headers = Vec<(HeaderName, HeaderValue)>;

impl Asking<'_> {
    pub fn code(&self, code: &Secret, redirect: &str, verifier: Option<&Secret>) -> Result<Call, String> {
        let mut params = self.grant("authorization_code");
        params.secret("code", code)?;
        params.text("redirect_uri", redirect);
        if let Some(verifier) = verifier {
            params.secret("code_verifier", verifier)?;
        }
        self.token(params)
    }

    pub fn refresh(&self, refresh: &Secret) -> Result<Call, String> {
        let mut params = self.grant("refresh_token");
        params.secret("refresh_token", refresh)?;
        if self.endpoint()?.0.scope_on_refresh {
            self.scope(&mut params);
        }
        self.token(params)
    }

    pub fn client_credentials(&self) -> Result<Call, String> {
        let mut params = self.grant("client_credentials");
        self.scope(&mut params);
        self.token(params)
    }

    /// What an app sends for a token of one of its installations: a JWT, and the permissions that the token is to have.
    pub fn app(&self) -> Result<Call, String> {
        let (endpoint, target) = self.endpoint()?;
        let lifetime = self.resolved.definition.client.assertion_seconds;
        let claims = assertion::of_app(&self.resolved.client_id, lifetime, self.now);
        let jwt = assertion::sign(self.key()?, self.resolved.key_id.as_deref(), &claims)?;
        let permissions = self.resolved.scopes.iter().filter_map(|scope| scope.split_once(':'));
        let permissions: serde_json::Map<String, Value> =
            permissions.map(|(name, level)| (name.to_owned(), level.into())).collect();
        let mut params = Params::default();
        params.extend(&self.resolved.token_extra);
        params.extend(&[("permissions".to_owned(), Value::Object(permissions))]);
        let mut headers = fixed(&endpoint.headers, &endpoint.accept)?;
        headers.push(bearer(jwt.as_bytes())?);
        Ok(Call { method: Method::POST, target: target.clone(), headers, body: Some(params.body(endpoint.body)) })
    }

    /// Whether a call exists is known before: the definition has a revocation and its endpoint is filled in.
    pub fn revocation(&self, token: Token<'_>) -> Result<Call, String> {
        let revoke = self.resolved.definition.revoke.as_ref().ok_or("no revocation")?;
        let target = self.resolved.revoke.clone().ok_or("no revocation endpoint")?;
        let mut headers = fixed(&revoke.headers, "application/json")?;
        let mut params = Params::default();
        let body = match revoke.style {
            RevokeStyle::Rfc7009 | RevokeStyle::Form => {
                params.secret("token", token.secret())?;
                if revoke.style == RevokeStyle::Rfc7009 {
                    let hint = if matches!(token, Token::Access(_)) { "access_token" } else { "refresh_token" };
                    params.text("token_type_hint", hint);
                    self.prove(&mut params, &mut headers, &target)?;
                }
                Some(params.body(Body::Form))
            }
            RevokeStyle::Bearer => {
                headers.push(bearer(token.secret().expose())?);
                None
            }
            RevokeStyle::BasicJson => {
                params.secret("access_token", token.secret())?;
                headers.push(self.basic()?);
                Some(params.body(Body::Json))
            }
        };
        let method = match revoke.method {
            Verb::Post => Method::POST,
            Verb::Delete => Method::DELETE,
        };
        Ok(Call { method, target, headers, body })
    }

    fn grant(&self, kind: &str) -> Params {
        let mut params = Params::default();
        params.extend(&self.resolved.token_extra);
        params.text("grant_type", kind);
        params
    }

    fn scope(&self, params: &mut Params) {
        if let Some(scope) = self.resolved.scope() {
            params.text("scope", &scope);
        }
    }

    fn endpoint(&self) -> Result<(&TokenEndpoint, &Target), String> {
        let endpoint = self.resolved.definition.token.as_ref().zip(self.resolved.token.as_ref());
        endpoint.ok_or_else(|| "this provider has no token endpoint".to_owned())
    }

    fn token(&self, mut params: Params) -> Result<Call, String> {
        let (endpoint, target) = self.endpoint()?;
        let mut headers = fixed(&endpoint.headers, &endpoint.accept)?;
        self.prove(&mut params, &mut headers, target)?;
        let body = Some(params.body(endpoint.body));
        Ok(Call { method: Method::POST, target: target.clone(), headers, body })
    }

    /// Adds what proves the client.
    fn prove(&self, params: &mut Params, headers: &mut Headers, at: &Target) -> Result<(), String> {
        let id = &self.resolved.client_id;
        match self.resolved.proof {
            Proof::Basic => {
                headers.push(self.basic()?);
                return Ok(());
            }
            Proof::Post => params.secret("client_secret", self.secret()?)?,
            Proof::PrivateKeyJwt => {
                let token = self.resolved.token.as_ref().unwrap_or(at).to_string();
                let audience = self.resolved.audience.clone().unwrap_or(token);
                let lifetime = self.resolved.definition.client.assertion_seconds;
                let claims = assertion::of_client(id, &audience, lifetime, self.now, self.rng);
                let jwt = assertion::sign(self.key()?, self.resolved.key_id.as_deref(), &claims)?;
                params.text("client_assertion_type", ASSERTION_TYPE);
                params.text("client_assertion", &jwt);
            }
            Proof::None => {}
        }
        params.text("client_id", id);
        Ok(())
    }

    /// Both parts encoded first (RFC 6749, 2.3.1).
    fn basic(&self) -> Result<(HeaderName, HeaderValue), String> {
        let secret = std::str::from_utf8(self.secret()?.expose()).map_err(|_| "the client secret is no text")?;
        let pair = Zeroizing::new(format!("{}:{}", encoded(&self.resolved.client_id), encoded(secret)));
        header(&Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))))
    }

    fn secret(&self) -> Result<&Secret, String> {
        self.client.ok_or_else(|| "the connection has no client secret; store it anew with one".to_owned())
    }

    fn key(&self) -> Result<&Secret, String> {
        self.client.ok_or_else(|| "the connection has no private key; store it anew with one".to_owned())
    }
}

fn fixed(more: &std::collections::BTreeMap<String, String>, accept: &str) -> Result<Headers, String> {
    let mut headers = Headers::new();
    let unfit = |_| "a header of the definition is unfit".to_owned();
    headers.push((ACCEPT, HeaderValue::from_str(accept).map_err(unfit)?));
    for (name, value) in more {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| "a header of the definition is unfit")?;
        headers.push((name, HeaderValue::from_str(value).map_err(unfit)?));
    }
    Ok(headers)
}

fn bearer(token: &[u8]) -> Result<(HeaderName, HeaderValue), String> {
    let token = std::str::from_utf8(token).map_err(|_| "a token is no text")?;
    header(&Zeroizing::new(format!("Bearer {token}")))
}

fn header(value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let mut value = HeaderValue::from_str(value).map_err(|_| "a token cannot stand in a header")?;
    value.set_sensitive(true);
    Ok((AUTHORIZATION, value))
}
