//! `portcullis review export|import`

use std::{io::Read as _, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use portcullis_model::{
    release::Releases as _,
    review::{ReviewStore as _, Submission},
};
use portcullis_packages::{
    dsse::{Envelope, MAX_ENVELOPE, PayloadType},
    release_dir::{ENVELOPE_NAME, ReleaseFiles, read_release, write_new},
    statement::{Statement, Verdict},
    trust::keeper::{Keeper, KeeperError, Kept},
};
use serde_json::json;

use crate::{commands::publish, home::Home, host::Host, output::Output, review::name};

/// Write a release with all that was signed and found out about it, to vet it elsewhere.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis review export card-guard@1 card-guard-under-review\n\n\
    The directory is a release as it is handed over: 'portcullis plugin bundle' makes one file of it.")]
pub struct Export {
    /// Which release.
    pub release: String,
    /// A new directory.
    pub dir: PathBuf,
}

/// Take verdicts that were signed elsewhere.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis review import verdict.dsse.json\n  portcullis review import card-guard-under-review\n\n\
    A verdict counts where its key is a reviewer's by the root; what others signed is left out."
)]
pub struct Import {
    /// A verdict's envelope, a release's directory, or a bundle.
    pub file: PathBuf,
}

impl Export {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let submission = host.submission(&self.release).await?;
        let (id, desk) = (submission.release(), host.desk());
        let case = desk.case(&submission).await?;
        let stored = host.registry.store().release(&id).await?.context("it is not in the registry")?;
        let mut reports = Vec::new();
        for digest in case.reports() {
            reports.push(desk.report(&digest).await?.encode()?);
        }
        let files = ReleaseFiles {
            component: host.registry.component(&id).await?,
            stored,
            statements: host.registry.statements().statements(&id).await?,
            reports,
        };
        write_new(&self.dir, &files)?;
        let (statements, reports) = (files.statements.len(), files.reports.len());
        let value = json!({ "dir": self.dir, "statements": statements, "reports": reports });
        output.result(&value, || {
            let what = name(&submission);
            format!("{what} with {statements} statements and {reports} reports in {}", self.dir.display())
        })
    }
}

impl Import {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let (submission, statements, reports) = self.read(&host).await?;
        let id = submission.release();
        let keeper: Keeper<'_> = host.keeper();
        let (mut taken, mut strangers) = (0usize, 0usize);
        for text in &statements {
            match keeper.state(&id, text).await {
                Ok(Kept::Verdict(_) | Kept::Override(_)) => taken += 1,
                Err(KeeperError::Stranger(_)) => strangers += 1,
                Err(error) => return Err(error.into()),
            }
        }
        for report in &reports {
            host.desk().attach(&submission, report).await?;
        }
        publish(&host).await?;
        let case = host.desk().case(&submission).await?;
        let value = json!({
            "submission": submission, "statements": taken, "left-out": strangers, "reports": reports.len(),
            "state": case.state(),
        });
        output.result(&value, || {
            let left = match strangers {
                0 => String::new(),
                n => format!("; {n} of keys that no root here trusts with that were left out"),
            };
            format!(
                "{taken} statements and {} reports taken{left}.\n{} is {}",
                reports.len(),
                name(&submission),
                case.state_words()
            )
        })
    }

    async fn read(&self, host: &Host) -> Result<(Submission, Vec<String>, Vec<Vec<u8>>)> {
        let all = host.store.submissions().await?;
        let none = "it is about no release that was handed in here; hand that in with 'portcullis plugin submit'";
        if let Some(text) = self.envelope()? {
            let envelope = Envelope::parse(PayloadType::Statement, &text)?;
            let statement = Statement::<Verdict>::parse(envelope.unverified())?;
            let found = all.into_iter().find(|one| statement.is_about(&one.release()).is_ok());
            return Ok((found.context(none)?, vec![text], Vec::new()));
        }
        let files = read_release(&self.file)?;
        let id = files.stored.id();
        let found = all.into_iter().find(|one| one.release() == id).context(none)?;
        Ok((found, files.statements, files.reports))
    }

    /// The file's text, where it is short enough for an envelope and reads like one.
    fn envelope(&self) -> Result<Option<String>> {
        let cannot = || format!("cannot read {}", self.file.display());
        let about = std::fs::metadata(&self.file).with_context(cannot)?;
        if about.is_dir() {
            return Ok(None);
        }
        if !about.is_file() {
            bail!("{} is neither a regular file nor a directory", self.file.display());
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&self.file).with_context(cannot)?;
        file.take(MAX_ENVELOPE as u64 + 1).read_to_end(&mut bytes).with_context(cannot)?;
        let json = bytes.first() == Some(&b'{') && bytes.len() <= MAX_ENVELOPE;
        if json && self.file.file_name().is_some_and(|name| name == ENVELOPE_NAME) {
            bail!("that is the publisher's statement; give the directory that it lies in");
        }
        Ok(if json { String::from_utf8(bytes).ok() } else { None })
    }
}
