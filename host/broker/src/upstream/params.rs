//! Answers for the body of a request to a provider: parameters as a form or as JSON.
//!
//! Invariant: values are overwritten in memory when they are dropped, and so is what is made of them.

use portcullis_model::secret::Secret;
use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use crate::providers::{definition::Body, template::encoded};

/// Parameters.
#[derive(Default)]
pub(super) struct Params(Map<String, Value>);

impl Params {
    pub fn text(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// A secret, which is text. False where it is not.
    pub fn secret(&mut self, name: &str, value: &Secret) -> Result<(), String> {
        let text = std::str::from_utf8(value.expose()).map_err(|_| format!("{name}: it is no text"))?;
        self.text(name, text);
        Ok(())
    }

    pub fn extend(&mut self, more: &[(String, Value)]) {
        self.0.extend(more.iter().cloned());
    }

    pub fn body(self, form: Body) -> (&'static str, Zeroizing<Vec<u8>>) {
        match form {
            Body::Json => ("application/json", Zeroizing::new(serde_json::to_vec(&self.0).unwrap_or_default())),
            Body::Form => ("application/x-www-form-urlencoded", self.form()),
        }
    }

    fn form(&self) -> Zeroizing<Vec<u8>> {
        let mut body = Zeroizing::new(Vec::with_capacity(8 * 1024));
        for (name, value) in &self.0 {
            let value = match value {
                Value::String(text) => Zeroizing::new(encoded(text)),
                other => Zeroizing::new(encoded(&other.to_string())),
            };
            if !body.is_empty() {
                body.push(b'&');
            }
            body.extend_from_slice(encoded(name).as_bytes());
            body.push(b'=');
            body.extend_from_slice(value.as_bytes());
        }
        body
    }
}

impl Drop for Params {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

/// Overwrites every text in it.
pub(super) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(all) => all.iter_mut().for_each(wipe),
        Value::Object(all) => all.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parameters_as_a_form_and_as_json() {
        let params = || {
            let mut params = Params::default();
            params.text("grant_type", "refresh_token");
            params.secret("refresh_token", &Secret::new(b"a b&c=d+/\xc3\xa9".to_vec())).unwrap();
            params.extend(&[("expires_in".to_owned(), 1800.into())]);
            params
        };
        let (kind, body) = params().body(Body::Form);
        assert_eq!(kind, "application/x-www-form-urlencoded");
        let form = String::from_utf8(body.to_vec()).unwrap();
        let mut parts: Vec<&str> = form.split('&').collect();
        parts.sort_unstable();
        let whole = ["expires_in=1800", "grant_type=refresh_token", "refresh_token=a%20b%26c%3Dd%2B%2F%C3%A9"];
        assert_eq!(parts, whole);
        let (kind, body) = params().body(Body::Json);
        assert_eq!(kind, "application/json");
        let json: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((json["expires_in"].as_i64(), json["refresh_token"].as_str()), (Some(1800), Some("a b&c=d+/é")));
    }
}
