//! A secret key in this process: from a file to a signature.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use ed25519_dalek::{Signer as _, SigningKey};
use portcullis_model::time::Rng;
use zeroize::Zeroizing;

use super::{KeyError, Passphrase, PublicKey, Signer, Unlock, file};

/// A secret key.
pub struct SecretKey(pub(super) SigningKey);

impl SecretKey {
    /// A fresh one.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut seed = Zeroizing::new([0u8; 32]);
        rng.fill(seed.as_mut());
        Self(SigningKey::from_bytes(&seed))
    }

    /// Reads a key file. Refuses one that others than its owner can read, and one that is encrypted weakly. `unlock` is asked
    /// for the passphrase where there is one.
    pub fn load(path: &Path, unlock: &dyn Unlock) -> Result<Self, KeyError> {
        file::load(path, unlock)
    }

    /// Writes a new key file with mode 0600 and waits until it is durable. Never overwrites. Without a passphrase whoever can
    /// read the file can sign.
    pub fn save(&self, path: &Path, passphrase: Option<&Passphrase>, rng: &dyn Rng) -> Result<(), KeyError> {
        let text = file::to_pem(self, passphrase, rng)?;
        file::create(path, &text)
    }

    /// Writes a key file anew under another passphrase, or under none: wholly or not at all. `ask` is asked for the new one
    /// once the file is open. Copies of the old file still open with the old passphrase.
    pub fn protect_anew(
        path: &Path,
        unlock: &dyn Unlock,
        ask: impl FnOnce() -> Result<Option<Passphrase>, KeyError>,
        rng: &dyn Rng,
    ) -> Result<PublicKey, KeyError> {
        // Where a link leads, so that it is the key that is replaced and not the link.
        let file: PathBuf = path.canonicalize().map_err(KeyError::io(path))?;
        let key = Self::load(path, unlock)?;
        let text = file::to_pem(&key, ask()?.as_ref(), rng)?;
        file::replace(&file, &text)?;
        Ok(key.public())
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
