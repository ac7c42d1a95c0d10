//! Signing keys: making, keeping and naming them.
//!
//! A secret key lies in a file of one line, readable by its owner only, and NOT yet encrypted under a passphrase: whoever
//! can read the file can sign. Until that comes, keep it on a disk that is itself encrypted.
//!
//! Invariants: secret material is overwritten when it is dropped and never printed; a key file is never overwritten, and
//! one that others can read is refused; a public key is a point that `verify_strict` can accept.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use portcullis_model::{id::Digest, time::Rng};
use zeroize::Zeroizing;

const SECRET: &str = "portcullis-secret-key-v1:";
const PUBLIC: &str = "portcullis-key-v1:";
const MAX_FILE: u64 = 1024;

/// What can go wrong with a key. No message holds key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is a file already.
    #[error("{0} exists already and is not overwritten: choose another path, or move it away first")]
    Exists(PathBuf),
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than the owner can read it.
    #[error("{0} can be read by others than its owner: run chmod 600 on it, and replace the key if others did")]
    Open(PathBuf),
    /// It is not a secret key file.
    #[error("{0} is not a secret key file: expected one line, '{SECRET}' and 44 characters of base64")]
    NotSecret(PathBuf),
    /// It is not a public key.
    #[error("this is not a public key: {0}")]
    NotPublic(&'static str),
    /// Whoever keeps the key did not sign.
    #[error("the key's keeper did not sign: {0}")]
    Keeper(String),
}

/// What signs: a key in this process, or one that somebody else keeps, such as an agent or a key management service.
pub trait Signer {
    /// The key that others verify with.
    fn public(&self) -> PublicKey;

    /// An Ed25519 signature (RFC 8032) of these bytes.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError>;
}

/// A secret key.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A fresh one.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut seed = Zeroizing::new([0u8; 32]);
        rng.fill(seed.as_mut());
        Self(SigningKey::from_bytes(&seed))
    }

    /// Reads a key file. Refuses one that others than its owner can read.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Io { path: path.to_owned(), source };
        let is_file = fs::metadata(path).map_err(failed)?.is_file();
        if !is_file {
            return Err(KeyError::NotSecret(path.to_owned()));
        }
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Open(path.to_owned()));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize));
        file.take(MAX_FILE).read_to_end(&mut bytes).map_err(failed)?;
        Self::read(&bytes).ok_or_else(|| KeyError::NotSecret(path.to_owned()))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(bytes).ok()?;
        let text = line.strip_suffix('\n').unwrap_or(line).strip_prefix(SECRET)?;
        let decoded = Zeroizing::new(STANDARD.decode(text).ok()?);
        let seed = Zeroizing::new(<[u8; 32]>::try_from(decoded.as_slice()).ok()?);
        Some(Self(SigningKey::from_bytes(&seed)))
    }

    /// Writes a new key file with mode 0600 and waits until it is durable. Never overwrites.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists(path.to_owned()),
            _ => KeyError::Io { path: path.to_owned(), source },
        };
        let seed = Zeroizing::new(self.0.to_bytes());
        let mut line = Zeroizing::new(String::with_capacity(SECRET.len() + 45));
        line.push_str(SECRET);
        STANDARD.encode_string(seed.as_ref(), &mut line);
        line.push('\n');
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// The key that others verify with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

impl Signer for SecretKey {
    fn public(&self) -> PublicKey {
        Self::public(self)
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        Ok(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(secret of {})", self.public())
    }
}

/// A public key. As text: `portcullis-key-v1:` and the base64 of its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(VerifyingKey);

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
        if text.starts_with(SECRET) {
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

#[cfg(test)]
mod tests;
