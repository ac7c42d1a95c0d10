//! A provider's keys (RFC 7517, 5).
//!
//! Invariant: a key that cannot be used here is left out, and so is never mistaken for another one: keys for encryption, symmetric ones,
//! curves that are not known.

use portcullis_model::oauth::Jwk;
use serde_json::Value;

use super::OidcError;
use crate::authz::{jwk, jws::Jws};

/// The most keys that are looked at.
const MOST: usize = 64;

/// The keys that can be used.
#[derive(Debug)]
pub(super) struct Keys(Vec<(Option<String>, Jwk)>);

impl Keys {
    pub fn read(body: &[u8]) -> Result<Self, OidcError> {
        let unfit = |problem: &str| OidcError::Unfit(format!("its keys: {problem}"));
        let read: Value = serde_json::from_slice(body).map_err(|_| unfit("they are no JSON"))?;
        let all = read.get("keys").and_then(Value::as_array).ok_or_else(|| unfit("there is no list 'keys'"))?;
        let usable = |value: &Value| {
            let kid = value.get("kid").and_then(Value::as_str).map(str::to_owned);
            jwk::read(value).ok().map(|key| (kid, key))
        };
        let keys: Vec<_> = all.iter().take(MOST).filter_map(usable).collect();
        match keys.is_empty() {
            false => Ok(Self(keys)),
            true => Err(unfit(&format!("none is for signatures by {}", jwk::ALGORITHMS.join(", ")))),
        }
    }

    /// Whether there is one of this name.
    pub fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|(name, _)| name.as_deref() == Some(kid))
    }

    /// Whether one of them signed it: the one that it names, where it names one.
    pub fn signed(&self, jws: &Jws<'_>, kid: Option<&str>) -> bool {
        self.0.iter().filter(|(name, _)| kid.is_none() || name.as_deref() == kid).any(|(_, key)| jws.is_by(key))
    }
}
