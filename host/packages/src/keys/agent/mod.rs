//! Keys that an SSH agent keeps (draft-ietf-sshm-ssh-agent): the agent signs, and never gives the key away.
//!
//! An agent's signature by an Ed25519 key is one of RFC 8032 over the exact bytes, so whoever verifies sees no difference.
//!
//! Invariants: an answer is read only within its size and its time; a signature is used only after it was verified; what an
//! agent calls its keys is shown, never believed.

mod wire;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use portcullis_model::audit::plain;
use wire::{Connection, Reader, string};

use super::{KeyError, PublicKey, Signer, public::PUBLIC};

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

const ALGORITHM: &[u8] = b"ssh-ed25519";

const LISTING: Duration = Duration::from_secs(10);
/// An agent may ask its owner first.
const SIGNING: Duration = Duration::from_secs(120);

/// A key in an SSH agent.
#[derive(Clone, Debug)]
pub struct AgentKey {
    socket: PathBuf,
    key: PublicKey,
}

/// A key as the agent lists it.
struct Identity {
    key: PublicKey,
    comment: String,
}

impl AgentKey {
    /// The key that the agent behind this socket has under this name: a public key, or a comment that no other of its Ed25519
    /// keys has.
    pub fn find(socket: &Path, wanted: &str) -> Result<Self, KeyError> {
        let held = identities(socket)?;
        let by_key: Option<PublicKey> = match wanted.starts_with(PUBLIC) {
            true => Some(wanted.parse()?),
            false => None,
        };
        let mut fits: Vec<PublicKey> = Vec::new();
        for one in &held {
            let named = by_key.map_or(one.comment == wanted, |key| key == one.key);
            if named && !fits.contains(&one.key) {
                fits.push(one.key);
            }
        }
        match fits.as_slice() {
            [key] => Ok(Self { socket: socket.to_owned(), key: *key }),
            [] => Err(KeyError::Keeper(format!("the agent has no Ed25519 key '{}'; {}", plain(wanted), list(&held)))),
            _ => Err(KeyError::Keeper(format!(
                "several of the agent's keys are called '{}': name the public key itself; {}",
                plain(wanted),
                list(&held)
            ))),
        }
    }
}

impl Signer for AgentKey {
    fn public(&self) -> PublicKey {
        self.key
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyError> {
        let mut request = vec![SIGN_REQUEST];
        string(&mut request, &blob(&self.key))?;
        string(&mut request, message)?;
        request.extend_from_slice(&0u32.to_be_bytes());
        let answer = Connection::open(&self.socket, SIGNING)?.ask(&request, SIGN_RESPONSE)?;
        let signature = signature(&answer).ok_or_else(|| KeyError::Keeper("its answer is no signature".into()))?;
        match self.key.verifies(message, &signature) {
            true => Ok(signature),
            false => Err(KeyError::Keeper("what it gave is not a signature of this by that key".into())),
        }
    }
}

/// A public key as SSH writes it (RFC 8709, section 4).
fn blob(key: &PublicKey) -> Vec<u8> {
    let key = key.to_bytes();
    let part = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
    [part(ALGORITHM), part(&key)].concat()
}

fn signature(answer: &[u8]) -> Option<[u8; 64]> {
    let mut answer = Reader(answer);
    let mut signature = Reader(answer.string()?);
    let is_ours = answer.0.is_empty() && signature.string()? == ALGORITHM;
    let bytes = signature.string()?.try_into().ok()?;
    (is_ours && signature.0.is_empty()).then_some(bytes)
}

/// The Ed25519 keys that the agent has.
fn identities(socket: &Path) -> Result<Vec<Identity>, KeyError> {
    let answer = Connection::open(socket, LISTING)?.ask(&[REQUEST_IDENTITIES], IDENTITIES_ANSWER)?;
    let mut answer = Reader(&answer);
    let cut = || KeyError::Keeper("its list of keys is not whole".into());
    let count = answer.number().ok_or_else(cut)?;
    let mut held = Vec::new();
    for _ in 0..count {
        let key = answer.string().ok_or_else(cut)?;
        let comment = answer.string().ok_or_else(cut)?;
        if let Some(key) = ed25519(key) {
            held.push(Identity { key, comment: String::from_utf8_lossy(comment).into_owned() });
        }
    }
    Ok(held)
}

fn ed25519(blob: &[u8]) -> Option<PublicKey> {
    let mut blob = Reader(blob);
    let is_ours = blob.string()? == ALGORITHM;
    let key = blob.string()?.try_into().ok()?;
    (is_ours && blob.0.is_empty()).then(|| PublicKey::from_bytes(&key).ok()).flatten()
}

fn list(held: &[Identity]) -> String {
    if held.is_empty() {
        return "it has none at all: add one with 'ssh-add'".into();
    }
    let names = held.iter().map(|one| format!("{} ({})", one.key, plain(&one.comment)));
    format!("it has {}", names.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
