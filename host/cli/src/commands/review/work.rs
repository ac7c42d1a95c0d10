//! `portcullis review assign|comment|attach|withdraw`

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use portcullis_model::behaviour::MAX_REPORT;
use portcullis_packages::review::Case;
use serde_json::json;

use crate::{commands::publish, home::Home, host::Host, output::Output, review::name};

/// Have a reviewer look at it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis review assign card-guard@1 ann")]
pub struct Assign {
    /// Which release.
    pub release: String,
    /// The reviewer: the owner's name as the root has it, or the beginning of the key's id.
    pub reviewer: String,
}

/// Say something about it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis review comment card-guard@1 'why does it need comments of closed tickets?'"
)]
pub struct Comment {
    /// Which release.
    pub release: String,
    /// What: one line, at most 500 characters.
    pub text: String,
}

/// Attach a behaviour report.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis review attach card-guard@1 report.json")]
pub struct Attach {
    /// Which release.
    pub release: String,
    /// The report, as 'portcullis plugin vet' wrote it.
    pub report: PathBuf,
}

/// Take back what you handed in.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis review withdraw card-guard@1 --reason 'wrong build'")]
pub struct Withdraw {
    /// Which release.
    pub release: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
}

fn print(output: Output, case: &Case) -> Result<()> {
    let value = json!({ "submission": case.submission, "state": case.state(), "notes": case.notes });
    output.result(&value, || format!("{} is {}", name(&case.submission), case.state_words()))
}

impl Assign {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let submission = host.submission(&self.release).await?;
        let case = host.desk().assign(&submission, &self.reviewer).await?;
        publish(&host).await?;
        print(output, &case)
    }
}

impl Comment {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let submission = host.submission(&self.release).await?;
        let case = host.desk().comment(&submission, &self.text).await?;
        publish(&host).await?;
        print(output, &case)
    }
}

impl Withdraw {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let submission = host.submission(&self.release).await?;
        let case = host.desk().withdraw(&submission, &self.reason).await?;
        publish(&host).await?;
        print(output, &case)
    }
}

impl Attach {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let submission = host.submission(&self.release).await?;
        let bytes = read(&self.report)?;
        let digest = host.desk().attach(&submission, &bytes).await?;
        publish(&host).await?;
        output.result(&json!({ "submission": submission, "report": digest }), || {
            format!("Attached to {}. Name it in your verdict:\n  --report {digest}", name(&submission))
        })
    }
}

/// A file that may be a report, and no more of it than a report can have.
fn read(path: &Path) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    if !std::fs::metadata(path).with_context(cannot)?.is_file() {
        bail!("{} is not a regular file", path.display());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(cannot)?;
    file.take(MAX_REPORT as u64 + 1).read_to_end(&mut bytes).with_context(cannot)?;
    Ok(bytes)
}
