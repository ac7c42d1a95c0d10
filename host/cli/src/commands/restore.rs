//! `portcullis restore`

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, bail};
use clap::Args;
use portcullis_audit::LogVerifier;
use portcullis_model::{audit::plain, time::Clock as _};
use portcullis_store::SqliteStore;

use crate::{
    backup::{self, Checks, Continue, Restored, identities},
    home::Home,
    host::person,
    log_proof,
    output::Output,
    publish::LogPublisher,
    system::{SystemClock, SystemRng},
};

/// Make a host from a backup; or show, with --test, that one could be made.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis restore B.age --identity backup.key --test\n  \
    portcullis --home /srv/new restore B.age --identity backup.key --checkpoint newest.checkpoint --reason 'the disk died'\n  \
    portcullis --home /srv/new restore B.age --identity backup.key --new-log --reason 'the disk died'\n\n\
    What the host did after the backup is gone, and what it published of that may be known elsewhere. So say how the audit log goes\n\
    on: with --checkpoint you give the newest checkpoint that anybody has (a witness, an auditor, a mirror), and the backup must have\n\
    all of it; with --new-log the log goes on under a new name, and never contradicts what it said under the old one.\n\
    Encryption does not say who made a backup: give --key with the log's public key, as you kept it elsewhere.")]
pub struct Restore {
    /// The backup.
    file: PathBuf,
    /// The file with the secret key that it is encrypted to, as age-keygen writes it.
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    /// Restore into a temporary directory, check everything, remove it, and note in this home's log how long it took.
    #[arg(long, conflicts_with_all = ["new_log", "reason"])]
    test: bool,
    /// Where the temporary directory of a test is made. Absent: where temporary files are.
    #[arg(long, value_name = "DIR", requires = "test")]
    scratch: Option<PathBuf>,
    /// The newest checkpoint of the log that is known anywhere: the backup must have all of it.
    #[arg(long, value_name = "FILE", conflicts_with = "new_log")]
    checkpoint: Option<PathBuf>,
    /// Let the log go on under a new name, with a new key.
    #[arg(long)]
    new_log: bool,
    /// The log's public key, as you kept it elsewhere.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// Why; stands in the audit log.
    #[arg(long, required_unless_present = "test")]
    reason: Option<String>,
}

impl Restore {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let identities = identities(&self.identity)?;
        let checks = Checks { identities: &identities, key: self.key.as_deref(), known: self.checkpoint.as_deref() };
        if self.test {
            return self.test(&home, &checks, output).await;
        }
        let how = match (&self.checkpoint, self.new_log) {
            (Some(file), _) => Continue::Known(file.clone()),
            (None, true) => Continue::NewName,
            (None, false) => bail!(
                "say how the audit log goes on: --checkpoint with the newest checkpoint that is known anywhere, or --new-log"
            ),
        };
        let (reason, spinner) = (self.reason.unwrap_or_default(), output.spinner("restoring"));
        let clocks = (&SystemClock as _, &SystemRng as _);
        let done = backup::restore(&self.file, &checks, &home, &how, (person(), &reason), clocks).await;
        spinner.finish_and_clear();
        let done = done?;
        output.result(&done.told(), || {
            format!("{}\n{AFTER}", words(&done, &format!("Restored into {}", home.dir().display())))
        })
    }

    async fn test(&self, home: &Home, checks: &Checks<'_>, output: Output) -> Result<()> {
        let scratch = self.scratch.clone().unwrap_or_else(std::env::temp_dir);
        let spinner = output.spinner("restoring as a test");
        let done = backup::verify_only(&self.file, checks, &scratch, &SystemClock).await;
        spinner.finish_and_clear();
        if home.check().is_ok() {
            let own = LogVerifier::parse(&log_proof::vkey(home)?)?;
            if let Ok(done) = &done
                && LogVerifier::parse(&done.log_key)?.origin() != own.origin()
            {
                bail!("the backup is whole, and of another host: {}; nothing was noted here", done.log_key);
            }
            let store = Arc::new(SqliteStore::open(&home.database())?);
            let outcome = done.as_ref().map(Restored::told).map_err(|error| anyhow::anyhow!("{error:#}"));
            let file = self.file.display().to_string();
            backup::record_test(&store, SystemClock.now(), person(), &outcome, &file).await?;
            LogPublisher::new(home, store).catch_up().await?;
        }
        let done = done?;
        output.result(&done.told(), || words(&done, "The backup is whole"))
    }
}

const AFTER: &str = "Before you start it: what came after the backup is gone, freezes, revocations, suspensions and erasures as well. \
    Do those again (docs/operators/backup.md), and renewals that providers have seen since may ask for new consents.";

fn words(done: &Restored, first: &str) -> String {
    let mut words = format!(
        "{first}: {} files, {} audit entries, the log up to {} entries holds, databases are whole; in {} ms.\nOf {}, {} bytes, {}",
        done.files, done.entries, done.log_size, done.took_ms, done.made, done.bytes, done.sha256
    );
    match done.unopened {
        Some(0) => words.push_str("\nEvery stored credential opens."),
        Some(many) => words.push_str(&format!("\n{many} stored credentials do NOT open: 'portcullis vault status'")),
        None => words.push_str("\nWhether stored credentials open cannot be told: the vault's key is not in it."),
    }
    done.runs.iter().for_each(|program| {
        words.push_str(&format!("\nA host that is started from it RUNS: {}", plain(program)));
    });
    done.left_out.iter().for_each(|one| words.push_str(&format!("\nNot in it: {} ({})", one.path, one.why)));
    if let Some(key) = &done.new_log_key {
        words.push_str(&format!("\nThe log goes on under a new name. Its key, to be kept elsewhere:\n  {key}"));
    }
    words
}
