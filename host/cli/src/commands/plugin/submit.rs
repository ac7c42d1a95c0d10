//! `portcullis plugin submit`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use portcullis_model::{
    audit::{Kind, Recorder as _},
    release::ReleaseError,
};
use portcullis_packages::{keys::PublicKey, manifest::Manifest, release_dir::read_release, review::ReviewError};
use serde_json::json;

use crate::{home::Home, host::Host, output::Output, review::name};

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
            host.trust_publisher(&Manifest::parse(&files.stored.manifest)?.publisher, key).await?;
        }
        let submitted = host.desk().submit(&files).await;
        if let Err(ReviewError::Release(ReleaseError::Refused { digest, reason })) = &submitted {
            let entry = host
                .entry(Kind::ReleaseRefused, None)
                .about(format!("release:{digest}"))
                .with("at", "submit")
                .with("reason", reason.as_str());
            host.store.record(vec![entry]).await?;
        }
        super::super::publish(&host).await?;
        let case = submitted?;
        let value = json!({
            "submission": case.submission, "state": case.state(), "needed": case.standing.needed,
            "missing": case.missing(),
        });
        output.result(&value, || {
            let mut lines = vec![format!("{} is {}", name(&case.submission), case.state_words())];
            lines.extend(case.missing().iter().map(|one| format!("Missing: {one}")));
            lines.push(format!("See 'portcullis review show {}@{}'.", case.submission.plugin, case.submission.number));
            lines.join("\n")
        })
    }
}
