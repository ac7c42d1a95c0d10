//! `portcullis key`

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use portcullis_packages::keys::SecretKey;
use serde_json::json;

use crate::{output::Output, system::SystemRng};

/// Signing keys of publishers.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a new signing key. The file is readable by you alone, and an existing one is never overwritten.
    #[command(after_help = "Example:\n  portcullis key new ~/.config/portcullis/publisher.key")]
    New {
        /// Where to put it.
        file: PathBuf,
    },
    /// Print the public half of a signing key: what others trust.
    #[command(after_help = "Example:\n  portcullis key show ~/.config/portcullis/publisher.key")]
    Show {
        /// The signing key's file.
        file: PathBuf,
    },
}

impl KeyCommand {
    pub(crate) fn run(self, output: Output) -> Result<()> {
        let (key, file) = match self {
            Self::New { file } => {
                let key = SecretKey::generate(&SystemRng);
                key.save(&file)?;
                (key, file)
            }
            Self::Show { file } => (SecretKey::load(&file)?, file),
        };
        let public = key.public();
        let value = json!({ "file": file, "public": public.to_string(), "keyid": public.keyid() });
        output.result(&value, || public.to_string())
    }
}
