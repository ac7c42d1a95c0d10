//! Keys to sign with, as commands are told of them: where one is kept, and how it is unlocked.
//!
//! Invariants: a passphrase comes from a terminal without echo or from a file, never from the arguments, which others on the
//! machine can read; a key without one is made only where that was asked for.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Args;
use portcullis_packages::keys::{self, KeyError, Passphrase, Signer, Unlock};
use zeroize::Zeroizing;

/// The key to sign with.
#[derive(Debug, Args)]
pub struct SigningKey {
    /// The key to sign with: a key file, or agent:KEY or agent:COMMENT for one that your SSH agent keeps.
    #[arg(long, value_name = "KEY")]
    pub key: String,
    /// How a key file is unlocked.
    #[command(flatten)]
    pub unlocking: Unlocking,
}

impl SigningKey {
    /// Opens it. Asks for its passphrase where it has one.
    pub fn open(&self) -> Result<Box<dyn Signer>> {
        Ok(keys::open(&self.key, &self.unlocking)?)
    }
}

/// The keys to sign with, where one may not be enough.
#[derive(Debug, Default, Args)]
pub struct SigningKeys {
    /// A key to sign with, as a key file or as agent:KEY; several where it takes several. The host's own where none is given.
    #[arg(long = "key", value_name = "KEY")]
    pub keys: Vec<String>,
    /// How key files are unlocked.
    #[command(flatten)]
    pub unlocking: Unlocking,
}

impl SigningKeys {
    /// Opens all that are named.
    pub fn open(&self) -> Result<Vec<Box<dyn Signer>>> {
        self.keys.iter().map(|key| Ok(keys::open(key, &self.unlocking)?)).collect()
    }
}

/// Where the passphrase of a key file is.
#[derive(Debug, Default, Args)]
pub struct Unlocking {
    /// A file with the key's passphrase on one line, readable by you alone. Without it you are asked at the terminal.
    #[arg(long, env = "PORTCULLIS_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl Unlock for Unlocking {
    fn passphrase(&self, file: &Path) -> Result<Passphrase, KeyError> {
        match &self.passphrase_file {
            Some(path) => Passphrase::read(path),
            None => ask(file, &format!("Passphrase of {}: ", file.display())),
        }
    }

    fn agent(&self) -> Option<PathBuf> {
        env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from)
    }
}

/// The passphrase for a key file that is about to be written: from this file, or asked for twice.
pub fn new_passphrase(key: &Path, file: Option<&Path>) -> Result<Passphrase, KeyError> {
    if let Some(path) = file {
        return Passphrase::read(path)?.for_a_new_key();
    }
    let prompt = format!("New passphrase for {}, at least {} characters: ", key.display(), keys::MIN_PASSPHRASE);
    let passphrase = ask(key, &prompt)?.for_a_new_key()?;
    if passphrase.is(&ask(key, "The same again: ")?) { Ok(passphrase) } else { Err(KeyError::Differ) }
}

fn ask(key: &Path, prompt: &str) -> Result<Passphrase, KeyError> {
    let unasked = |error: io::Error| KeyError::NoPassphrase {
        path: key.to_owned(),
        why: format!("there is no terminal to ask at ({error}); give it in a file, with --passphrase-file"),
    };
    Passphrase::new(Zeroizing::new(rpassword::prompt_password(prompt).map_err(unasked)?))
}
