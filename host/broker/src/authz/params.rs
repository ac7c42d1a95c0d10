//! A request's parameters, each within a size and named once (RFC 6749, 3.1 and 3.2).

use std::collections::BTreeMap;

use portcullis_model::trace::Traceparent;

use super::error::OAuthError;

/// The largest form or query that is read, in bytes.
pub const MAX_FORM: usize = 64 * 1024;

/// The most parameters, and the longest value.
const MOST: usize = 40;
const LONGEST: usize = 48 * 1024;

/// The parameters of a query or a form.
#[derive(Clone, Debug, Default)]
pub struct Params {
    named: BTreeMap<String, String>,
    resources: Vec<String>,
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` text. A parameter that is there twice is refused, but for `resource`, which may
    /// be (RFC 8707); an empty one counts as absent (RFC 6749, 3.1).
    pub fn parse(form: &[u8]) -> Result<Self, OAuthError> {
        if form.len() > MAX_FORM {
            return Err(OAuthError::request("the request is too large"));
        }
        let mut params = Self::default();
        for (count, (name, value)) in url::form_urlencoded::parse(form).enumerate() {
            if count >= MOST || name.len() > 64 || value.len() > LONGEST {
                return Err(OAuthError::request("too many parameters, or one of them is too long"));
            }
            if value.is_empty() {
                continue;
            }
            if name == "resource" {
                params.resources.push(value.into_owned());
            } else if params.named.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(OAuthError::request(format!("the parameter '{name}' is there more than once")));
            }
        }
        Ok(params)
    }

    /// A parameter, where it is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }

    /// A parameter that must be there.
    pub fn need(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::request(format!("the parameter '{name}' is missing")))
    }

    /// The resource servers that are named.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }
}

/// A request to an endpoint for clients.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Its form.
    pub params: Params,
    /// Its `DPoP` headers.
    pub proofs: Vec<String>,
    /// Whether it has an `Authorization` header.
    pub authorization: bool,
    /// The endpoint's name, such as `token`.
    pub endpoint: &'static str,
    /// Where it is in a trace that it brought along.
    pub trace: Option<Traceparent>,
}
