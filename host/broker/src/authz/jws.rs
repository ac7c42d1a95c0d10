//! Signed texts in the compact form of RFC 7515, as clients send them: taken apart, and not yet believed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_model::oauth::Jwk;
use serde_json::{Map, Value};

use super::jwk;

/// The longest that is read, in bytes.
const MAX: usize = 8 * 1024;

/// A signed text.
#[derive(Debug)]
pub struct Jws<'a> {
    /// The protected header.
    pub header: Map<String, Value>,
    /// The payload.
    pub claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes it apart. Only algorithms that are allowed, and no extension that must be understood.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        if text.len() > MAX {
            return Err(format!("it is longer than {MAX} bytes"));
        }
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            return Err("expected three parts with dots between".into());
        };
        let object = |part: &str, what: &str| -> Result<Map<String, Value>, String> {
            let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| format!("its {what} is not base64url"))?;
            serde_json::from_slice(&bytes).map_err(|_| format!("its {what} is no JSON object"))
        };
        let (decoded, claims) = (object(header, "header")?, object(claims, "payload")?);
        let alg = decoded.get("alg").and_then(Value::as_str).unwrap_or_default();
        if !jwk::ALGORITHMS.contains(&alg) {
            return Err(format!("its 'alg' must be one of {}", jwk::ALGORITHMS.join(", ")));
        }
        if decoded.contains_key("crit") || decoded.contains_key("b64") {
            return Err("extensions by 'crit' are not supported".into());
        }
        let signed = &text[..text.len() - signature.len() - 1];
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "its signature is not base64url")?;
        Ok(Self { header: decoded, claims, signed, signature })
    }

    /// Whether this key signed it, with the algorithm that the key has.
    pub fn is_by(&self, key: &Jwk) -> bool {
        let alg = self.header.get("alg").and_then(Value::as_str).unwrap_or_default();
        jwk::fits(key, alg) && jwk::verifies(key, self.signed.as_bytes(), &self.signature)
    }

    /// A claim that is a text of at most so many bytes.
    pub fn text(&self, name: &str, longest: usize) -> Option<&str> {
        self.claims.get(name)?.as_str().filter(|text| !text.is_empty() && text.len() <= longest)
    }

    /// A claim that is a time, in seconds since 1970. Fractions are cut off (RFC 7519, 2).
    pub fn seconds(&self, name: &str) -> Result<Option<i64>, String> {
        let Some(value) = self.claims.get(name) else { return Ok(None) };
        let whole = value.as_i64();
        #[expect(clippy::cast_possible_truncation, reason = "within the range that is checked")]
        let cut = || value.as_f64().filter(|number| number.abs() < 1e12).map(|number| number as i64);
        let seconds = whole.or_else(cut).filter(|seconds| (0..=1_000_000_000_000).contains(seconds));
        seconds.map(Some).ok_or_else(|| format!("its '{name}' is no time in seconds"))
    }
}
