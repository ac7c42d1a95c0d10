//! One signing key of Standard Webhooks, in its two kinds, and what it signs: `id.timestamp.payload`.
//!
//! Invariants: a symmetric key has 24 to 64 bytes; a private key is written as seed and public key (64 bytes), and read only where
//! the two belong together; what was written is read as the same key.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer as _;
use portcullis_model::{secret::Secret, time::Rng};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::hmac;

const SYMMETRIC: &str = "whsec_";
const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";

/// How many bytes a fresh symmetric key has.
const FRESH: usize = 32;

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// HMAC-SHA256 with a shared secret, `whsec_`: signatures begin with `v1,`.
    Hmac,
    /// Ed25519; the back end has the public key only, `whpk_`: signatures begin with `v1a,`.
    Ed25519,
}

impl Scheme {
    /// The name in entries and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hmac => "hmac",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// Why a text is no key. Does not repeat it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(pub(super) String);

fn wrong(problem: &str) -> KeyError {
    KeyError(problem.to_owned())
}

/// A signing key.
pub struct SigningKey(Kind);

enum Kind {
    Hmac(Secret),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl SigningKey {
    /// A fresh one.
    pub fn fresh(scheme: Scheme, rng: &dyn Rng) -> Self {
        let mut bytes = Zeroizing::new([0u8; FRESH]);
        rng.fill(bytes.as_mut_slice());
        Self(match scheme {
            Scheme::Hmac => Kind::Hmac(Secret::new(bytes.to_vec())),
            Scheme::Ed25519 => Kind::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&bytes))),
        })
    }

    /// Reads `whsec_` or `whsk_` and base64.
    pub fn parse(text: &Secret) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(text.expose()).map_err(|_| wrong("a key is printable text"))?;
        let decode = |base64: &str| {
            let bytes = STANDARD.decode(base64).map_err(|_| wrong("after its prefix a key is base64 with padding"));
            bytes.map(Zeroizing::new)
        };
        if let Some(base64) = text.strip_prefix(SYMMETRIC) {
            let bytes = decode(base64)?;
            return match bytes.len() {
                24..=64 => Ok(Self(Kind::Hmac(Secret::new(bytes.to_vec())))),
                _ => Err(wrong("a symmetric key has 24 to 64 bytes")),
            };
        }
        let base64 = text.strip_prefix(PRIVATE).ok_or_else(|| wrong("a key begins with 'whsec_' or 'whsk_'"))?;
        let bytes = decode(base64)?;
        let pair = <&[u8; 64]>::try_from(bytes.as_slice()).map_err(|_| wrong("a private key has 64 bytes"))?;
        let key = ed25519_dalek::SigningKey::from_keypair_bytes(pair)
            .map_err(|_| wrong("the private key and its public key do not belong together"))?;
        Ok(Self(Kind::Ed25519(Box::new(key))))
    }

    /// Its text, for the vault alone.
    pub(super) fn text(&self) -> Secret {
        match &self.0 {
            Kind::Hmac(secret) => written(SYMMETRIC, secret.expose()),
            Kind::Ed25519(key) => written(PRIVATE, Zeroizing::new(key.to_keypair_bytes()).as_slice()),
        }
    }

    /// What the back end needs to check signatures: the shared secret, or the public key.
    pub fn shown(&self) -> Secret {
        match &self.0 {
            Kind::Hmac(_) => self.text(),
            Kind::Ed25519(key) => written(PUBLIC, key.verifying_key().as_bytes()),
        }
    }

    /// The public key, where it has one: no secret.
    pub fn public(&self) -> Option<String> {
        match &self.0 {
            Kind::Hmac(_) => None,
            Kind::Ed25519(key) => Some(format!("{PUBLIC}{}", STANDARD.encode(key.verifying_key().as_bytes()))),
        }
    }

    /// How it signs.
    pub fn scheme(&self) -> Scheme {
        match &self.0 {
            Kind::Hmac(_) => Scheme::Hmac,
            Kind::Ed25519(_) => Scheme::Ed25519,
        }
    }

    /// Its signature of a message, with the scheme's identifier before it.
    pub fn sign(&self, id: &str, timestamp: i64, payload: &[u8]) -> String {
        let head = format!("{id}.{timestamp}.");
        match &self.0 {
            Kind::Hmac(secret) => {
                format!("v1,{}", STANDARD.encode(hmac::digest(secret, &[head.as_bytes(), payload])))
            }
            Kind::Ed25519(key) => {
                let signature = key.sign(&[head.as_bytes(), payload].concat());
                format!("v1a,{}", STANDARD.encode(signature.to_bytes()))
            }
        }
    }
}

fn written(prefix: &str, bytes: &[u8]) -> Secret {
    let base64 = Zeroizing::new(STANDARD.encode(bytes));
    Secret::new([prefix.as_bytes(), base64.as_bytes()].concat())
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.scheme().name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counter;

    fn parse(text: &str) -> Result<SigningKey, KeyError> {
        SigningKey::parse(&Secret::new(text.as_bytes().to_vec()))
    }

    #[test]
    fn the_specifications_reference_implementations_vectors() {
        // Of the test suites of the libraries that come with the specification, and of Svix's server.
        let key = parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let key = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
        let key = parse(key).unwrap();
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(
            signature,
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
        );
        assert_eq!(key.public().as_deref(), Some("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="));
    }

    #[test]
    fn reads_what_it_writes_and_shows_what_may_be_shown() {
        let rng = Counter::default();
        for (scheme, prefix, shown) in [(Scheme::Hmac, "whsec_", "whsec_"), (Scheme::Ed25519, "whsk_", "whpk_")] {
            let key = SigningKey::fresh(scheme, &rng);
            assert!(key.text().expose().starts_with(prefix.as_bytes()));
            assert!(key.shown().expose().starts_with(shown.as_bytes()));
            let again = SigningKey::parse(&key.text()).unwrap();
            assert_eq!(again.sign("m", 1, b"x"), key.sign("m", 1, b"x"));
            assert_ne!(key.sign("m", 1, b"x"), key.sign("m", 2, b"x"));
            assert_ne!(SigningKey::fresh(scheme, &rng).sign("m", 1, b"x"), key.sign("m", 1, b"x"));
            assert_eq!(format!("{key:?}"), format!("SigningKey({})", scheme.name()));
        }
    }

    #[test]
    fn refuses_what_is_no_key_and_does_not_repeat_it() {
        let of = |length: usize| format!("whsec_{}", STANDARD.encode(vec![7; length]));
        assert!(parse(&of(24)).is_ok() && parse(&of(64)).is_ok());
        let swapped = format!("whsk_{}", STANDARD.encode([[7u8; 32], [9u8; 32]].concat()));
        for bad in [of(23), of(65), swapped, "whsec_".into(), "whpk_AAAA".into(), "MfKQ9r8G".into(), "whsec_ä".into()]
        {
            let error = parse(&bad).unwrap_err().to_string();
            assert!(!error.contains(bad.get(6..).filter(|rest| rest.len() > 3).unwrap_or("\0")), "{error}");
        }
    }
}
