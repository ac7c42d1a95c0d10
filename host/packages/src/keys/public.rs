//! Public keys: their one form as text, and the strict rules by which they verify.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::VerifyingKey;
use portcullis_model::id::Digest;

use super::KeyError;

pub(super) const PUBLIC: &str = "portcullis-key-v1:";

/// A public key. As text: `portcullis-key-v1:` and the base64 of its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(pub(super) VerifyingKey);

impl PublicKey {
    /// A key of 32 bytes. Refuses what is no point of the curve, and points of small order, for which anybody can sign.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if key.is_weak() => Err(KeyError::NotPublic("it is a weak key: anybody could sign for it")),
            Ok(key) => Ok(Self(key)),
            Err(_) => Err(KeyError::NotPublic("its bytes are not a point of Ed25519")),
        }
    }

    /// Its 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The hexadecimal SHA-256 of its bytes: a hint in envelopes, never a reason to trust.
    pub fn keyid(&self) -> String {
        Digest::of(self.0.as_bytes()).hex()
    }

    /// Whether this is a signature of these bytes by this key, by the strict rules: no small-order points, no malleable
    /// scalars.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", STANDARD.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.contains("PRIVATE KEY") {
            return Err(KeyError::NotPublic("it is a SECRET key; never hand it on, and replace it if you just did"));
        }
        let Some(encoded) = text.strip_prefix(PUBLIC) else {
            return Err(KeyError::NotPublic("expected 'portcullis-key-v1:' and 44 characters of base64"));
        };
        let bytes = STANDARD.decode(encoded).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let bytes =
            bytes.ok_or(KeyError::NotPublic("what follows 'portcullis-key-v1:' is not the base64 of 32 bytes"))?;
        Self::from_bytes(&bytes)
    }
}
