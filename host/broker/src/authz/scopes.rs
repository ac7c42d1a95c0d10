//! What a request asks for, and what is left of it. Scopes with constraints are `authorization_details` of the type
//! `portcullis_scope` (RFC 9396); a word of `scope` such as `tickets:read` means what is granted of that.
//!
//! Invariant: what comes out is a meet with what the installation may do: never more than that, and never more than was asked.

use portcullis_model::{catalogue::Catalogue, oauth::Client, scope::ScopeText};
use serde_json::{Value, json};

use super::{
    AuthorizationServer, Params,
    error::{Code, OAuthError},
};

/// The type of our authorization details.
pub const TYPE: &str = "portcullis_scope";

/// The most scopes that a request may name.
const MOST: usize = 64;

/// What a request names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    details: Vec<ScopeText>,
    words: Vec<ScopeText>,
}

fn invalid_details(why: impl AsRef<str>) -> OAuthError {
    OAuthError::new(Code::InvalidAuthorizationDetails, why)
}

fn detail(value: &Value) -> Result<ScopeText, OAuthError> {
    let form = format!("expected objects of the form {{'type':'{TYPE}','scope':'tickets:read fields=subject'}}");
    let members = value.as_object().ok_or_else(|| invalid_details(&form))?;
    if members.get("type").and_then(Value::as_str) != Some(TYPE) || members.len() != 2 {
        return Err(invalid_details(form));
    }
    let text = members.get("scope").and_then(Value::as_str).ok_or_else(|| invalid_details(form))?;
    text.parse().map_err(|error| invalid_details(format!("{error}")))
}

impl Asked {
    /// What the parameters name; `None` where they name nothing.
    pub(super) fn read(params: &Params, catalogue: &dyn Catalogue) -> Result<Option<Self>, OAuthError> {
        let mut asked = Self::default();
        for word in params.get("scope").unwrap_or_default().split(' ').filter(|word| !word.is_empty()) {
            let scope: ScopeText =
                word.parse().map_err(|error| OAuthError::new(Code::InvalidScope, format!("{error}")))?;
            if scope != ScopeText::new(scope.capability(), scope.action()) {
                let advice = "a word of 'scope' is 'capability:action'; constraints go into authorization_details";
                return Err(OAuthError::new(Code::InvalidScope, advice));
            }
            asked.words.push(scope);
        }
        if let Some(text) = params.get("authorization_details") {
            let all: Vec<Value> = serde_json::from_str(text)
                .map_err(|_| invalid_details("authorization_details must be a JSON list (RFC 9396)"))?;
            asked.details = all.iter().map(detail).collect::<Result<_, _>>()?;
            for scope in &asked.details {
                catalogue.describe(scope).map_err(|error| invalid_details(format!("{error}")))?;
            }
        }
        let count = asked.words.len() + asked.details.len();
        match count {
            0 => Ok(None),
            1..=MOST => Ok(Some(asked)),
            _ => Err(OAuthError::new(Code::InvalidScope, format!("name at most {MOST} scopes"))),
        }
    }

    /// What `from` gives of it.
    pub(super) fn of(&self, from: &[ScopeText], catalogue: &dyn Catalogue) -> Result<Vec<ScopeText>, OAuthError> {
        let is = |scope: &ScopeText, word: &ScopeText| {
            scope.capability() == word.capability() && scope.action() == word.action()
        };
        let named = from.iter().filter(|scope| self.words.iter().any(|word| is(scope, word)));
        let all: Vec<ScopeText> = named.chain(&self.details).cloned().collect();
        meet(catalogue, from, &all)
    }
}

/// What both lists allow.
pub(super) fn meet(catalogue: &dyn Catalogue, a: &[ScopeText], b: &[ScopeText]) -> Result<Vec<ScopeText>, OAuthError> {
    catalogue.meet(a, b).map_err(|error| {
        // A scope that was stored is not understood any more.
        tracing::warn!(%error, "scopes of an OAuth client cannot be narrowed");
        OAuthError::new(Code::InvalidScope, "what was granted cannot be read any more; ask the admin to grant it anew")
    })
}

/// An error where nothing is left.
pub(super) fn not_empty(scopes: Vec<ScopeText>) -> Result<Vec<ScopeText>, OAuthError> {
    match scopes.is_empty() {
        false => Ok(scopes),
        true => Err(OAuthError::new(Code::InvalidScope, "nothing of what is asked for is granted")),
    }
}

/// A client asks for what it needs, and not for whatever there is (INT-2).
pub(super) fn unasked() -> OAuthError {
    OAuthError::new(Code::InvalidScope, "say what the token is for, in 'scope' or 'authorization_details'")
}

/// As `scope` has it: each kind of scope once.
pub(super) fn words(scopes: &[ScopeText]) -> String {
    let mut words: Vec<String> =
        scopes.iter().map(|scope| format!("{}:{}", scope.capability(), scope.action())).collect();
    words.sort();
    words.dedup();
    words.join(" ")
}

/// As `authorization_details` has it.
pub(super) fn details(scopes: &[ScopeText]) -> Value {
    scopes.iter().map(|scope| json!({ "type": TYPE, "scope": scope.to_string() })).collect()
}

impl AuthorizationServer {
    /// The resource server that a request is about (RFC 8707): one of those that are known, and one alone.
    pub(super) fn audience(&self, params: &Params) -> Result<String, OAuthError> {
        let known = &self.settings().resources;
        let invalid = |why: &str| OAuthError::new(Code::InvalidTarget, why);
        match params.resources() {
            [] => known.first().cloned().ok_or_else(|| invalid("this host has no resource server")),
            [one] if known.contains(one) => Ok(one.clone()),
            [_] => Err(invalid(&format!("the resource is unknown; known are: {}", known.join(", ")))),
            _ => Err(invalid("a token is for one resource: ask for one at a time")),
        }
    }

    /// A grant's tokens are for the resource server that was agreed to: a request may name that one, and no other (RFC 8707, 2.2).
    pub(super) fn same_audience(&self, params: &Params, agreed: &str) -> Result<(), OAuthError> {
        if params.resources().is_empty() || params.resources() == [agreed.to_owned()] {
            return Ok(());
        }
        self.audience(params)?;
        Err(OAuthError::new(Code::InvalidTarget, "the grant is for another resource"))
    }

    /// What a client's installation may do now.
    pub(super) async fn authority(
        &self,
        client: &Client,
        installation: &portcullis_model::installation::Installation,
    ) -> Result<Vec<ScopeText>, OAuthError> {
        self.parts.authority.authority(installation).await.map_err(|error| {
            tracing::warn!(client = %client.id, %error, "what an OAuth client's installation may do cannot be said");
            OAuthError::new(Code::UnauthorizedClient, "the client's installation may do nothing at the moment")
        })
    }
}
