//! `portcullis plugin diff`

use anyhow::Result;
use clap::Args;
use portcullis_packages::diff;

use super::release::Release;
use crate::{home::Home, host::RULES, output::Output};

/// Show what is different between two releases: what is wider first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis plugin diff card-guard@3 my-plugin/dist\n  \
    portcullis plugin diff old.portcullis new.portcullis --json\n\n\
    Scopes are compared by what they allow, not by their text. What is marked [needs consent] makes an upgrade wait for an\n\
    admin; what is marked [optional] is not granted by an upgrade, and the newer release runs without.")]
pub struct Diff {
    /// The older one: a directory, a bundle, PLUGIN@NUMBER or a component's digest in the registry.
    pub old: String,
    /// The newer one.
    pub new: String,
}

impl Diff {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let old = Release::named(&home, &self.old).await?;
        let new = Release::named(&home, &self.new).await?;
        let diff = diff::Diff::between(&old.side(), &new.side(), RULES.catalogue)?;
        output.result(&diff, || diff.to_string())
    }
}
