//! `portcullis key`

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use portcullis_model::time::Clock as _;
use portcullis_packages::keys::{self, KeyError, Passphrase, PublicKey, SecretKey, handover};
use serde_json::{Value, json};

use crate::{
    output::Output,
    signing::{Unlocking, new_passphrase},
    system::{SystemClock, SystemRng},
};

/// Signing keys: make, show, protect and replace them.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a new signing key, encrypted under a passphrase. An existing file is never overwritten.
    #[command(after_help = "Example:\n  portcullis key new ~/.config/portcullis/publisher.key")]
    New {
        /// Where to put it.
        file: PathBuf,
        /// A file with the passphrase for it on one line, readable by you alone. Without it you are asked at the terminal.
        #[arg(long, env = "PORTCULLIS_PASSPHRASE_FILE", value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        /// Do not encrypt it: whoever can read the file can sign.
        #[arg(long)]
        no_passphrase: bool,
    },
    /// Print the public half of a signing key: what others trust.
    #[command(after_help = "Examples:\n  portcullis key show ~/.config/portcullis/publisher.key\n  \
        portcullis key show agent:publisher@example.com")]
    Show {
        /// A key file, or agent:KEY or agent:COMMENT for one that your SSH agent keeps.
        key: String,
        /// How a key file is unlocked.
        #[command(flatten)]
        unlocking: Unlocking,
    },
    /// Make a new key in place of an old one, and a handover signed by both for those who trust the old one.
    #[command(after_help = "Example:\n  portcullis key rotate publisher.key publisher-2027.key\n\n\
        Writes publisher-2027.key and publisher-2027.key.handover.json. Give the handover to those who trust the old key,\n\
        and keep the old key until they trust the new one. After a theft have the old key revoked: its thief can make a\n\
        handover too.")]
    Rotate {
        /// The old key: a file, or agent:KEY or agent:COMMENT.
        old: String,
        /// Where to put the new one.
        new: PathBuf,
        /// How a key file is unlocked.
        #[command(flatten)]
        unlocking: Unlocking,
        /// How the new file is protected.
        #[command(flatten)]
        protection: Protection,
    },
    /// Change a key file's passphrase.
    #[command(after_help = "Example:\n  portcullis key passphrase publisher.key\n\n\
        Older copies of the file still open with the old passphrase.")]
    Passphrase {
        /// The key file.
        file: PathBuf,
        /// How a key file is unlocked.
        #[command(flatten)]
        unlocking: Unlocking,
        /// How the new file is protected.
        #[command(flatten)]
        protection: Protection,
    },
    /// Check a handover: that the key you trust was handed on by its owner, and to which.
    #[command(
        after_help = "Example:\n  portcullis key handover publisher-2027.key.handover.json --trust portcullis-key-v1:..."
    )]
    Handover {
        /// The handover's file.
        file: PathBuf,
        /// The key that you trust.
        #[arg(long, value_name = "KEY")]
        trust: PublicKey,
    },
}

/// How a key file that is about to be written is protected.
#[derive(Debug, Args)]
pub struct Protection {
    /// A file with the new passphrase on one line, readable by you alone. Without it you are asked at the terminal.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Do not encrypt the key that is written: whoever can read the file can sign.
    #[arg(long, conflicts_with = "new_passphrase_file")]
    no_passphrase: bool,
}

/// The longest handover that is read: an envelope's cap, and its last line end.
const MAX_HANDOVER: u64 = portcullis_packages::dsse::MAX_ENVELOPE as u64 + 1;

impl KeyCommand {
    pub(crate) fn run(self, output: Output) -> Result<()> {
        match self {
            Self::New { file, passphrase_file, no_passphrase } => {
                new(&file, passphrase_file.as_deref(), no_passphrase, output)
            }
            Self::Show { key, unlocking } => {
                let public = keys::open(&key, &unlocking)?.public();
                output.result(&shown(&key, &public), || public.to_string())
            }
            Self::Rotate { old, new, unlocking, protection } => rotate(&old, &new, &unlocking, &protection, output),
            Self::Passphrase { file, unlocking, protection } => {
                let public = SecretKey::protect_anew(&file, &unlocking, || protection.ask(&file), &SystemRng)?;
                output.result(&shown(&file.display().to_string(), &public), || "The passphrase is changed.".into())
            }
            Self::Handover { file, trust } => check(&file, &trust, output),
        }
    }
}

impl Protection {
    fn ask(&self, file: &Path) -> Result<Option<Passphrase>, KeyError> {
        protected(file, self.new_passphrase_file.as_deref(), self.no_passphrase)
    }
}

/// The passphrase for a new key file; `None`, and a warning, where there is to be none.
fn protected(file: &Path, passphrase_file: Option<&Path>, none: bool) -> Result<Option<Passphrase>, KeyError> {
    if none {
        eprintln!("portcullis: warning: {} is not encrypted: whoever can read it can sign", file.display());
        return Ok(None);
    }
    new_passphrase(file, passphrase_file).map(Some)
}

fn shown(key: &str, public: &PublicKey) -> Value {
    json!({ "key": key, "public": public.to_string(), "keyid": public.keyid() })
}

/// Before anybody is asked for anything.
fn is_free(path: &Path) -> Result<(), KeyError> {
    match path.symlink_metadata() {
        Ok(_) => Err(KeyError::Exists(path.to_owned())),
        Err(_) => Ok(()),
    }
}

fn new(file: &Path, passphrase_file: Option<&Path>, no_passphrase: bool, output: Output) -> Result<()> {
    is_free(file)?;
    let passphrase = protected(file, passphrase_file, no_passphrase)?;
    let key = SecretKey::generate(&SystemRng);
    key.save(file, passphrase.as_ref(), &SystemRng)?;
    let public = key.public();
    output.result(&shown(&file.display().to_string(), &public), || public.to_string())
}

fn rotate(old: &str, new: &Path, unlocking: &Unlocking, protection: &Protection, output: Output) -> Result<()> {
    let handover = PathBuf::from(format!("{}.handover.json", new.display()));
    is_free(new)?;
    is_free(&handover)?;
    let old = keys::open(old, unlocking)?;
    let passphrase = protection.ask(new)?;
    let key = SecretKey::generate(&SystemRng);
    let envelope = handover::sign(old.as_ref(), &key, SystemClock.now())?;
    key.save(new, passphrase.as_ref(), &SystemRng)?;
    let mut file = File::create_new(&handover).with_context(|| format!("cannot write {}", handover.display()))?;
    writeln!(file, "{}", envelope.to_json()).and_then(|()| file.sync_all())?;
    let (old, public) = (old.public(), key.public());
    let value = json!({ "old": old.to_string(), "new": public.to_string(), "key": new, "handover": handover });
    output.result(&value, || {
        format!("{public}\nGive {} to those who trust {old}, and keep the old key until they do.", handover.display())
    })
}

fn check(file: &Path, trusted: &PublicKey, output: Output) -> Result<()> {
    let found = fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?;
    if !found.is_file() || found.len() > MAX_HANDOVER {
        bail!("{} is not a handover: expected a file of at most {MAX_HANDOVER} bytes", file.display());
    }
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let handover = handover::verify_for(text.trim_end(), trusted)?;
    let (new, issued) = (handover.new.to_string(), handover.issued);
    let value = json!({ "old": trusted.to_string(), "new": new, "issued": issued });
    output
        .result(&value, || format!("{new}\nThe owner of the key that you trust handed it on to this one on {issued}."))
}
