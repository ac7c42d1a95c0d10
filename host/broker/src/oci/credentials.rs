//! Answers for who is asking: a user's name and password, or none.
//!
//! Invariant: a secret is in no `Debug` form and no error.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::header::HeaderValue;
use portcullis_model::secret::Secret;
use zeroize::Zeroizing;

use super::OciError;

const MAX_NAME: usize = 256;
const MAX_SECRET: usize = 16 * 1024;

/// A user's name and password, or what a registry gives out in place of a password.
#[derive(Clone, Debug)]
pub struct Credentials {
    username: String,
    secret: Secret,
}

impl Credentials {
    /// Takes them over. `host` is named in the error.
    pub fn new(host: &str, username: &str, secret: Secret) -> Result<Self, OciError> {
        let wrong = |problem: String| Err(OciError::Credentials { host: host.to_owned(), problem });
        if username.is_empty() || username.len() > MAX_NAME || username.contains(|c: char| c == ':' || c.is_control()) {
            return wrong(format!("a user's name has 1 to {MAX_NAME} bytes, and no ':' in it"));
        }
        if secret.expose().is_empty() || secret.expose().len() > MAX_SECRET {
            return wrong(format!("the secret must have 1 to {MAX_SECRET} bytes"));
        }
        if secret.expose().iter().any(u8::is_ascii_control) {
            return wrong("the secret has control characters or a line end in it".to_owned());
        }
        Ok(Self { username: username.to_owned(), secret })
    }

    /// The value of `Authorization` (RFC 7617).
    pub(super) fn basic(&self) -> Option<HeaderValue> {
        let mut pair = Zeroizing::new(format!("{}:", self.username).into_bytes());
        pair.extend_from_slice(self.secret.expose());
        sensitive(&format!("Basic {}", STANDARD.encode(&*pair)))
    }
}

/// A header's value that is kept out of `Debug` forms.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_can_be_sent_and_shows_none_of_it() {
        let new = |name: &str, secret: &str| Credentials::new("h.test", name, Secret::new(secret.as_bytes().to_vec()));
        let credentials = new("Aladdin", "open sesame").unwrap();
        let header = credentials.basic().unwrap();
        assert_eq!(header, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{credentials:?} {header:?}").contains("sesame"));
        assert!(!format!("{credentials:?} {header:?}").contains("QWxh"));
        for (name, secret) in [("", "x"), ("a:b", "x"), ("a\r\n", "x"), ("a", ""), ("a", "x\ny")] {
            let error = new(name, secret).unwrap_err().to_string();
            assert!(error.starts_with("credentials for h.test: "), "{error}");
        }
    }
}
