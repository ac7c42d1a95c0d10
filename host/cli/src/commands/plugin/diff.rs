//! `portcullis plugin diff`

use anyhow::{Context as _, Result};
use clap::Args;
use portcullis_model::release::ReleaseId;
use portcullis_packages::diff;
use serde_json::Value;

use super::release::{Named, Release, look_up};
use crate::{
    admin::{Keyboard, asked},
    home::Home,
    host::{Host, RULES},
    output::Output,
};

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
        match (Named::of(&self.old)?, Named::of(&self.new)?) {
            (Named::File(old), Named::File(new)) => compared(&old, &new, output),
            (Named::Registry(old), Named::Registry(new)) => {
                let host = opened(home, &old).await?;
                let (old, new) = (look_up(&host, &old).await?, look_up(&host, &new).await?);
                let answer = ask(&Keyboard::of(&host)?, &old, &new).await?;
                output.result(&answer["diff"], || answer["words"].as_str().unwrap_or_default().to_owned())
            }
            (Named::File(old), Named::Registry(new)) => {
                let host = opened(home, &new).await?;
                compared(&old, &Release::listed(&host, &new).await?, output)
            }
            (Named::Registry(old), Named::File(new)) => {
                let host = opened(home, &old).await?;
                compared(&Release::listed(&host, &old).await?, &new, output)
            }
        }
    }
}

/// The home, in whose registry this text names a release.
async fn opened(home: Home, text: &str) -> Result<Host> {
    Host::open(home)
        .await
        .with_context(|| format!("'{text}' is no directory and no bundle, and there is no registry to look it up in"))
}

/// What is different between two releases of the registry.
async fn ask(keyboard: &Keyboard, old: &ReleaseId, new: &ReleaseId) -> Result<Value> {
    let path = format!("/releases/{}/{}/diff", new.component, new.manifest);
    let older = [("component", Some(old.component.to_string())), ("manifest", Some(old.manifest.to_string()))];
    keyboard.read(&asked(&path, &older)).await
}

/// The same where one of them is a file, which nobody else has.
fn compared(old: &Release, new: &Release, output: Output) -> Result<()> {
    let diff = diff::Diff::between(&old.side(), &new.side(), RULES.catalogue)?;
    output.result(&diff, || diff.to_string())
}
