//! `portcullis plugin submit`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use portcullis_packages::{
    bundle,
    keys::PublicKey,
    manifest::Manifest,
    release_dir::{ReleaseFiles, read_release},
};
use serde_json::json;

use crate::{
    admin::{Keyboard, given},
    commands::review::shown::Shown,
    home::Home,
    host::Host,
    output::Output,
};

/// Hand a release in for review. It is checked as if it were installed, but for reviews, and nothing runs.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis plugin submit my-plugin/dist\n  portcullis plugin submit my-plugin-1.2.0.portcullis\n\n\
    Then see 'portcullis review --help'."
)]
pub struct Submit {
    /// The release: a directory or a bundle.
    pub release: PathBuf,
    /// Trust this key of the plugin's publisher from now on.
    #[arg(long, value_name = "KEY")]
    pub trust: Option<PublicKey>,
}

impl Submit {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let files = read_release(&self.release)?;
        if let Some(key) = &self.trust {
            // With the host's own root key, which is used here alone.
            let ReleaseFiles { stored, .. } = &files;
            host.trust_publisher(&Manifest::parse(&stored.manifest)?.publisher, key).await?;
        }
        let mut answer = Keyboard::of(&host)?.send("/reviews", bundle::to_bytes(&files)?).await?;
        let review: Shown = given(answer["review"].take())?;
        let value = json!({
            "submission": review.submission, "state": review.state, "needed": review.needed, "missing": review.missing,
        });
        output.result(&value, || {
            let mut lines = vec![format!("{} is {}", review.name(), review.state_words())];
            lines.extend(review.missing.iter().map(|one| format!("Missing: {one}")));
            let of = &review.submission;
            lines.push(format!("See 'portcullis review show {}@{}'.", of.plugin, of.number));
            lines.join("\n")
        })
    }
}
