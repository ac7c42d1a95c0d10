//! Answers for the port to those who keep key-encryption keys: they wrap data keys and unwrap them, and give no key away.
//!
//! Invariants: what a data key is wrapped with is bound to its tenant and number by whoever wraps it; which key wraps is named
//! by its name, never guessed by trying; a name says nothing about the key.

use std::sync::Arc;

use async_trait::async_trait;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use portcullis_model::time::Rng;
use zeroize::Zeroizing;

use super::{Key, KeyError};

/// Why a key-encryption key cannot be used. Never holds any of a key.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Its file or text is unfit.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Nobody has it.
    #[error("the key-encryption key '{0}' is not at hand: put it back, or name its keeper in [vault] as previous")]
    Absent(String),
    /// What was to be unwrapped was wrapped by another key, or changed.
    #[error("a data key does not open under the key-encryption key '{0}'")]
    Unopened(String),
    /// The program that keeps the key did not do its work.
    #[error("key program {program}: {problem}")]
    Program {
        /// Which program.
        program: String,
        /// What is wrong.
        problem: String,
    },
}

/// Keeps key-encryption keys.
#[async_trait]
pub trait KeyService: Send + Sync {
    /// The names of those that it has at the moment; the one to wrap with first.
    async fn names(&self) -> Result<Vec<String>, ServiceError>;

    /// Wraps a data key, bound to this context.
    async fn wrap(&self, name: &str, key: &Key, context: &[u8]) -> Result<Vec<u8>, ServiceError>;

    /// Unwraps a data key that was wrapped in this context.
    async fn unwrap(&self, name: &str, wrapped: &[u8], context: &[u8]) -> Result<Key, ServiceError>;
}

/// All keepers: the one to wrap with first, then those whose keys are on their way out.
#[derive(Clone)]
pub struct KeyRing(Vec<Arc<dyn KeyService>>);

impl KeyRing {
    /// A ring with this keeper alone.
    pub fn new(current: Arc<dyn KeyService>) -> Self {
        Self(vec![current])
    }

    /// And one whose keys still unwrap.
    #[must_use]
    pub fn and(mut self, previous: Arc<dyn KeyService>) -> Self {
        self.0.push(previous);
        self
    }

    /// The name of the key that data keys should be wrapped by.
    pub async fn preferred(&self) -> Result<String, ServiceError> {
        let mut names = Vec::new();
        for service in &self.0 {
            names.extend(service.names().await?);
        }
        names.into_iter().next().ok_or_else(|| ServiceError::Absent("any".into()))
    }

    /// Whether somebody has it.
    pub async fn has(&self, name: &str) -> bool {
        self.keeper(name).await.is_ok()
    }

    /// Wraps by the key of this name.
    pub async fn wrap(&self, name: &str, key: &Key, context: &[u8]) -> Result<Vec<u8>, ServiceError> {
        self.keeper(name).await?.wrap(name, key, context).await
    }

    /// Unwraps by the key of this name.
    pub async fn unwrap(&self, name: &str, wrapped: &[u8], context: &[u8]) -> Result<Key, ServiceError> {
        self.keeper(name).await?.unwrap(name, wrapped, context).await
    }

    async fn keeper(&self, name: &str) -> Result<&Arc<dyn KeyService>, ServiceError> {
        let mut failure = None;
        for service in &self.0 {
            match service.names().await {
                Ok(names) if names.iter().any(|one| one == name) => return Ok(service),
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| ServiceError::Absent(name.to_owned())))
    }
}

const NONCE: usize = 24;

/// Wraps by a key that is in memory: XChaCha20-Poly1305, a fresh nonce and the ciphertext.
pub(super) fn wrap_with(by: &Key, rng: &dyn Rng, key: &Key, context: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let mut nonce = [0u8; NONCE];
    rng.fill(&mut nonce);
    let payload = Payload { msg: key.bytes(), aad: context };
    let sealed = XChaCha20Poly1305::new(by.bytes().into()).encrypt(XNonce::from_slice(&nonce), payload);
    Ok([nonce.as_slice(), &sealed.map_err(|_| ServiceError::Unopened(by.name()))?].concat())
}

/// Unwraps by a key that is in memory.
pub(super) fn unwrap_with(by: &Key, wrapped: &[u8], context: &[u8]) -> Result<Key, ServiceError> {
    let unopened = || ServiceError::Unopened(by.name());
    let (nonce, sealed) = wrapped.split_at_checked(NONCE).ok_or_else(unopened)?;
    let payload = Payload { msg: sealed, aad: context };
    let opened = XChaCha20Poly1305::new(by.bytes().into()).decrypt(XNonce::from_slice(nonce), payload);
    Key::of(&Zeroizing::new(opened.map_err(|_| unopened())?)).ok_or_else(unopened)
}

/// The key of this name among those in memory.
pub(super) fn named<'a>(keys: &'a [Key], name: &str) -> Result<&'a Key, ServiceError> {
    keys.iter().find(|key| key.name() == name).ok_or_else(|| ServiceError::Absent(name.to_owned()))
}
