//! Answers for the form of a provider's definition: one TOML file, in which an unknown key is an error.
//!
//! Invariant: what makes one provider differ from another is a field here; no code asks for a provider's name.

use std::collections::BTreeMap;

use portcullis_model::id::ProviderId;
use serde::{Deserialize, Serialize};

use super::{setting::Setting, template::Template};

/// A provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Definition {
    /// What commands call it.
    pub id: ProviderId,
    /// What people call it.
    pub name: String,
    /// What it is good for, in a sentence.
    pub about: String,
    /// Where the provider documents this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation: Option<String>,
    /// How a credential is got.
    pub way: Way,
    /// What an admin fills in, beside `client-id`, `client-auth` and `key-id`, which each OAuth client has.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    /// Scopes.
    #[serde(default)]
    pub scopes: Scopes,
    /// How the client proves itself.
    #[serde(default)]
    pub client: Client,
    /// The authorization endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize: Option<Authorize>,
    /// The token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenEndpoint>,
    /// How a token is revoked. Absent: the provider offers no way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke: Option<Revoke>,
    /// Where the token goes.
    #[serde(default)]
    pub place: Placing,
    /// What its tokens do.
    #[serde(default)]
    pub conduct: Behaviour,
    /// What its errors mean.
    #[serde(default)]
    pub errors: Errors,
}

/// How a credential is got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// A person consents in a browser (RFC 6749, 4.1); a refresh token renews.
    AuthorizationCode,
    /// The client asks in its own name (RFC 6749, 4.4).
    ClientCredentials,
    /// The client shows a JWT that it signed, and gets a token of one installation of it.
    AppInstallation,
    /// Somebody stores a token by hand and answers for it (INT-3).
    Static,
}

/// Scopes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Scopes {
    /// What stands between two.
    pub separator: String,
    /// Those that are always asked for, such as the one for a refresh token.
    pub always: Vec<String>,
    /// One as an example.
    pub example: Option<String>,
    /// The parameter that carries them.
    pub parameter: String,
    /// Whether at least one must be named: a provider that grants everything otherwise (INT-2).
    pub required: bool,
}

impl Default for Scopes {
    fn default() -> Self {
        Self { separator: " ".into(), always: Vec::new(), example: None, parameter: "scope".into(), required: false }
    }
}

/// How a client proves itself to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// The secret among the request's parameters (`client_secret_post`).
    Post,
    /// The secret in the `Authorization` header (`client_secret_basic`).
    Basic,
    /// A JWT signed with the client's private key (RFC 7523, `private_key_jwt`).
    PrivateKeyJwt,
    /// Not at all: a public client, held by PKCE alone.
    None,
}

impl Proof {
    /// As it stands in definitions and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Basic => "basic",
            Self::PrivateKeyJwt => "private-key-jwt",
            Self::None => "none",
        }
    }
}

/// The client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Client {
    /// The ways that the provider takes. The first is used where the setting `client-auth` names none.
    pub authentication: Vec<Proof>,
    /// For whom an assertion is made; absent: the token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion_audience: Option<Template>,
    /// How long an assertion is good, in seconds: at most 600 (INT-8 allows 900).
    pub assertion_seconds: u64,
}

impl Default for Client {
    fn default() -> Self {
        Self { authentication: vec![Proof::Post], assertion_audience: None, assertion_seconds: 60 }
    }
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Param {
    /// A number, which stays one in JSON.
    Number(i64),
    /// A text, perhaps with places.
    Text(Template),
}

/// The authorization endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Authorize {
    /// Where.
    pub endpoint: Template,
    /// Whether the provider knows PKCE (RFC 7636). S256 is what is used.
    pub pkce: bool,
    /// More parameters.
    #[serde(default)]
    pub extra: BTreeMap<String, Param>,
    /// How the provider calls itself (RFC 9207).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Template>,
    /// Whether it always says so in its answer: an answer that does not is then refused.
    #[serde(default)]
    pub issuer_always: bool,
}

/// The form of a request's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// `application/x-www-form-urlencoded`, as RFC 6749 has it.
    #[default]
    Form,
    /// JSON.
    Json,
}

/// The token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TokenEndpoint {
    /// Where.
    pub endpoint: Template,
    /// The form of the request.
    #[serde(default)]
    pub body: Body,
    /// More parameters.
    #[serde(default)]
    pub extra: BTreeMap<String, Param>,
    /// More headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What answers are asked for in (`Accept`).
    #[serde(default = "json")]
    pub accept: String,
    /// Whether a refresh names the scopes again.
    #[serde(default)]
    pub scope_on_refresh: bool,
    /// Where things stand in the answer.
    #[serde(default)]
    pub answer: AnswerForm,
}

fn json() -> String {
    "application/json".to_owned()
}

/// Where things stand in a token answer, which is JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct AnswerForm {
    /// JSON pointers (RFC 6901) of objects; the first that has an access token is the one that counts.
    pub within: Vec<String>,
    /// The access token's field.
    pub access: String,
    /// The refresh token's field.
    pub refresh: String,
    /// The field with the lifetime in seconds.
    pub expires_in: String,
    /// The field with the end as an RFC 3339 time, where there is one.
    pub expires_at: Option<String>,
    /// The field with the granted scopes.
    pub scope: String,
}

impl Default for AnswerForm {
    fn default() -> Self {
        Self {
            within: vec![String::new()],
            access: "access_token".into(),
            refresh: "refresh_token".into(),
            expires_in: "expires_in".into(),
            expires_at: None,
            scope: "scope".into(),
        }
    }
}

/// How a token is handed in to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevokeStyle {
    /// As the parameter `token`, by the client (RFC 7009).
    Rfc7009,
    /// As the parameter `token`, by anybody who has it.
    Form,
    /// In the `Authorization` header: the token ends itself.
    Bearer,
    /// As `access_token` in a JSON body, by the client with `Basic`.
    BasicJson,
}

/// A method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// POST.
    #[default]
    Post,
    /// DELETE.
    Delete,
}

/// Revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Revoke {
    /// Where. Where it needs a setting that is absent, nothing is offered.
    pub endpoint: Template,
    /// How.
    pub style: RevokeStyle,
    /// With which method.
    #[serde(default)]
    pub method: Verb,
    /// Whether one call ends the pair, so that the other token needs none.
    #[serde(default)]
    pub ends_pair: bool,
    /// Errors that say the token is no more.
    #[serde(default)]
    pub gone: Vec<String>,
    /// More headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// Where the token goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Placing {
    /// Hosts. Empty: those that the admin names; else, where the admin names some, they are among these.
    pub hosts: Vec<Template>,
    /// The header, in lower case.
    pub header: String,
    /// What stands before the token there.
    pub prefix: String,
}

impl Default for Placing {
    fn default() -> Self {
        Self { hosts: Vec::new(), header: "authorization".into(), prefix: "Bearer ".into() }
    }
}

/// What its tokens do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Behaviour {
    /// A renewal ends the old access token at once.
    pub renewal_ends_old: bool,
    /// A refresh token works once only.
    pub refresh_once: bool,
    /// How long an access token lasts where the answer does not say, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime_seconds: Option<u64>,
}

/// What its errors mean. `invalid_grant` always means that the grant is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Errors {
    /// Codes beside `invalid_grant` that mean that only a new consent helps.
    pub gone: Vec<String>,
    /// Codes that mean that nothing was done, and that it may be tried later.
    pub busy: Vec<String>,
    /// A field that is `false` in an error's answer, whatever the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
}
