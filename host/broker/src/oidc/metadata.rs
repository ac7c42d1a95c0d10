//! What a provider publishes of itself (OpenID Connect Discovery 1.0, 4; RFC 8414).
//!
//! Invariant: a document counts only where its issuer is the one that was configured, byte by byte; each endpoint is a target as egress
//! knows them.

use portcullis_model::target::Target;
use serde::Deserialize;

use super::{OidcError, said};

/// How the host proves itself at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// `none`.
    Nothing,
}

/// What of it is used.
#[derive(Debug)]
pub(super) struct Metadata {
    pub authorize: Target,
    pub token: Target,
    pub keys: Target,
    /// It says in each answer who it is (RFC 9207).
    pub names_itself: bool,
    methods: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Where an issuer publishes it (4.1).
pub(super) fn place(issuer: &str) -> Result<Target, OidcError> {
    let unfit = |problem: String| OidcError::Unfit(format!("its issuer: {problem}"));
    if issuer.contains(['?', '#']) {
        return Err(unfit("it has a query or a fragment".into()));
    }
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')).parse().map_err(unfit)
}

impl Metadata {
    pub fn read(issuer: &str, body: &[u8]) -> Result<Self, OidcError> {
        let document: Document = serde_json::from_slice(body)
            .map_err(|_| OidcError::Unfit("what it publishes is no discovery document".into()))?;
        if document.issuer != issuer {
            return Err(OidcError::Unfit(format!("it calls itself '{}', and not '{issuer}'", said(&document.issuer))));
        }
        if document.code_challenge_methods_supported.is_some_and(|all| !all.iter().any(|one| one == "S256")) {
            return Err(OidcError::Unfit("it does not take code challenges by S256 (RFC 7636)".into()));
        }
        let target = |name: &str, url: &str| -> Result<Target, OidcError> {
            url.parse().map_err(|problem| OidcError::Unfit(format!("its {name}: {problem}")))
        };
        Ok(Self {
            authorize: target("authorization_endpoint", &document.authorization_endpoint)?,
            token: target("token_endpoint", &document.token_endpoint)?,
            keys: target("jwks_uri", &document.jwks_uri)?,
            names_itself: document.authorization_response_iss_parameter_supported,
            methods: document.token_endpoint_auth_methods_supported,
        })
    }

    /// How a client with a secret, or without one, proves itself there.
    pub fn proof(&self, has_secret: bool) -> Result<Proof, OidcError> {
        // Where it says nothing, `client_secret_basic` is meant (Discovery, 3).
        let takes = |name: &str| match &self.methods {
            None => name == "client_secret_basic",
            Some(all) => all.iter().any(|one| one == name),
        };
        match has_secret {
            false => Ok(Proof::Nothing),
            true if takes("client_secret_basic") => Ok(Proof::Basic),
            true if takes("client_secret_post") => Ok(Proof::Post),
            true => Err(OidcError::Unfit("it takes a client's secret neither by 'Basic' nor in the form".into())),
        }
    }
}
