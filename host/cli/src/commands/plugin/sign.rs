//! `portcullis plugin sign`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use portcullis_model::id::Digest;
use portcullis_packages::{
    publish::sign_release,
    release_dir::{read_unsigned, write_envelope},
};
use serde_json::json;

use crate::{host::RULES, output::Output, signing::SigningKey};

/// Sign a release: component, manifest and the statement that binds them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis plugin sign my-plugin/dist --key publisher.key\n  \
    portcullis plugin sign my-plugin/dist --key agent:publisher@example.com\n\n\
    Refused where the component imports what the manifest does not ask for.")]
pub struct Sign {
    /// The directory with plugin.wasm and portcullis.toml.
    pub dir: PathBuf,
    /// The publisher's.
    #[command(flatten)]
    pub key: SigningKey,
}

impl Sign {
    pub(super) fn run(self, output: Output) -> Result<()> {
        let key = self.key.open()?;
        let files = read_unsigned(&self.dir)?;
        let envelope = sign_release(&files.component, &files.manifest, key.as_ref(), RULES)?;
        let path = write_envelope(&self.dir, &envelope)?;
        let digest = Digest::of(&files.component);
        let value = json!({ "envelope": path, "digest": digest, "key": key.public().to_string() });
        output.result(&value, || {
            format!("Signed {digest} with {}.\nHand over the directory {}.", key.public(), self.dir.display())
        })
    }
}
