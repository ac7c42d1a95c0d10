//! Signing keys: making, keeping, opening, naming and handing them on.
//!
//! A secret key lies in a file of PKCS#8 (RFC 5958, RFC 8410), encrypted under a passphrase ([`SecretKey`]), or with an SSH
//! agent, which never gives it away ([`AgentKey`]). [`open`] finds either by its name. A [`handover`] says that a new key
//! takes the place of an old one.
//!
//! Invariants: secret material is overwritten when it is dropped and never printed; a key file is never overwritten but by
//! the same key under another passphrase, and one that others than its owner can read is refused; a public key is a point
//! that `verify_strict` can accept; a signature by somebody else's hand is verified before it is used.

mod agent;
mod error;
mod file;
pub mod handover;
mod passphrase;
mod public;
mod secret;

use std::path::{Path, PathBuf};

pub use agent::AgentKey;
pub use error::KeyError;
pub use passphrase::{MIN_PASSPHRASE, Passphrase};
pub use public::PublicKey;
pub use secret::SecretKey;

/// What a name of a key begins with that an SSH agent keeps.
pub const AGENT: &str = "agent:";

/// What signs: a key in this process, or one that somebody else keeps, such as an agent or a key management service.
pub trait Signer: Send + Sync {
    /// The key that others verify with.
    fn public(&self) -> PublicKey;

    /// An Ed25519 signature (RFC 8032) of these bytes.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError>;
}

/// What opening a key needs of whoever wants it.
pub trait Unlock {
    /// The passphrase of this key file. Asked for where the file is encrypted, and not otherwise.
    fn passphrase(&self, file: &Path) -> Result<Passphrase, KeyError>;

    /// The socket of the SSH agent. `None`: there is no agent.
    fn agent(&self) -> Option<PathBuf>;
}

/// Opens a key by its name: the path of a key file, or `agent:` and the public key or the comment of one that the SSH agent
/// keeps.
pub fn open(name: &str, unlock: &dyn Unlock) -> Result<Box<dyn Signer>, KeyError> {
    match name.strip_prefix(AGENT) {
        Some(wanted) => {
            let socket = unlock.agent().ok_or(KeyError::NoAgent)?;
            Ok(Box::new(AgentKey::find(&socket, wanted)?))
        }
        None => Ok(Box::new(SecretKey::load(Path::new(name), unlock)?)),
    }
}

#[cfg(test)]
mod tests;
