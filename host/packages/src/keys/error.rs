//! What can go wrong with a key.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::passphrase::{MAX_PASSPHRASE, MIN_PASSPHRASE};

/// What can go wrong with a key. No message holds key material or a passphrase.
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
    #[error(
        "{0} can be read by others than its owner: run chmod 600 on it, and replace what is in it if others read it"
    )]
    Open(PathBuf),
    /// It is not a secret key file.
    #[error("{path} is not a secret key file: {why}")]
    NotSecret {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A key file of the form that had no passphrase.
    #[error(
        "{0} is a key file of an older form, which nothing protected, and is not read any more: make another key with \
         'portcullis key new', have its public half trusted in place of this one's, and remove this file"
    )]
    Old(PathBuf),
    /// The passphrase does not open it.
    #[error("{0} does not open: the passphrase is wrong, or the file was changed")]
    WrongPassphrase(PathBuf),
    /// No passphrase can be had.
    #[error("{path} is protected by a passphrase, and there is none: {why}")]
    NoPassphrase {
        /// Which file.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// A passphrase for a new key that is too short.
    #[error("the passphrase has {0} characters; a new one needs at least {MIN_PASSPHRASE}: a few words do")]
    ShortPassphrase(usize),
    /// A new passphrase that was typed in two ways.
    #[error("the two passphrases differ: nothing was written")]
    Differ,
    /// A text that is no passphrase.
    #[error(
        "this is not a passphrase: expected one line of 1 to {MAX_PASSPHRASE} bytes of UTF-8 without control characters"
    )]
    NotPassphrase,
    /// The key could not be encrypted.
    #[error("the key could not be encrypted")]
    NotEncrypted,
    /// It is not a public key.
    #[error("this is not a public key: {0}")]
    NotPublic(&'static str),
    /// There is no agent to ask.
    #[error(
        "no SSH agent is there to ask, for SSH_AUTH_SOCK is not set: start one with 'eval \"$(ssh-agent)\"' and add a key \
         with 'ssh-add', or give a key file"
    )]
    NoAgent,
    /// Whoever keeps the key does not have it, or did not sign.
    #[error("whoever keeps the key: {0}")]
    Keeper(String),
}

impl KeyError {
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(path.clone()),
            _ => Self::Io { path: path.clone(), source },
        }
    }
}
