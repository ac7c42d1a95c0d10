//! `portcullis review assign|comment|attach|withdraw`

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use portcullis_model::{
    behaviour::{MAX_REPORT, Report},
    id::Digest,
};
use serde_json::{Value, json};

use super::shown::Shown;
use crate::{
    admin::{Keyboard, given},
    home::Home,
    host::Host,
    output::Output,
    review::name,
};

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

/// Does something to a submission, and shows how it is then.
async fn done(home: Home, release: &str, what: &str, body: &Value, output: Output) -> Result<()> {
    let host = Host::open(home).await?;
    let submission = host.submission(release).await?;
    let path = format!("{}/{what}", Shown::at(&submission));
    let mut answer = Keyboard::of(&host)?.post(&path, body).await?;
    let shown: Shown = given(answer["review"].take())?;
    let value = json!({ "submission": submission, "state": shown.state, "notes": answer["notes"] });
    output.result(&value, || format!("{} is {}", shown.name(), shown.state_words()))
}

impl Assign {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        done(home, &self.release, "assign", &json!({ "reviewer": self.reviewer }), output).await
    }
}

impl Comment {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        done(home, &self.release, "comments", &json!({ "text": self.text }), output).await
    }
}

impl Withdraw {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        done(home, &self.release, "withdraw", &json!({ "reason": self.reason }), output).await
    }
}

impl Attach {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let submission = host.submission(&self.release).await?;
        // Read here as well: what is not in the one form has another digest than the file.
        let report = json!(Report::read(&read(&self.report)?)?);
        let path = format!("{}/reports", Shown::at(&submission));
        let mut answer = Keyboard::of(&host)?.post(&path, &report).await?;
        let digest: Digest = given(answer["report"].take())?;
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
