//! `portcullis backup`

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Args;
use portcullis_model::{audit::plain, time::Clock as _};
use portcullis_store::SqliteStore;

use crate::{
    backup::{self, Made, State, Target},
    config::{Config, recipients},
    home::Home,
    host::person,
    output::Output,
    publish::LogPublisher,
    system::SystemClock,
};

/// Make an encrypted backup of this host, also while it runs; or see how old the newest is.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis backup --to /mnt/backups --recipient age1...\n  portcullis backup --status\n\n\
    A pair of keys is made with 'age-keygen -o backup.key'; the host needs the public half alone. Whoever has the other half and\n\
    a backup has everything: keep it where the host is not. A backup without keys (--without-keys) needs those of the home from\n\
    elsewhere. 'portcullis restore FILE --identity backup.key --test' shows that a backup is good for something.\n\
    With --status: exit code 1 where a backup or a test of one is overdue."
)]
pub struct Backup {
    /// A directory, or a file that is not there yet. Absent: what [backup] says.
    #[arg(long, value_name = "FILE|DIR")]
    to: Option<PathBuf>,
    /// Who can decrypt it, a public key of age. More than one where there are more. Absent: what [backup] says.
    #[arg(long, value_name = "age1...")]
    recipient: Vec<String>,
    /// Leave out the directory of keys.
    #[arg(long)]
    without_keys: bool,
    /// Show how old the newest backup is, and the newest test of one; make none.
    #[arg(long, conflicts_with_all = ["to", "recipient", "without_keys"])]
    status: bool,
}

impl Backup {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        home.check()?;
        let config = Config::load(&home)?;
        let store = std::sync::Arc::new(SqliteStore::open(&home.database())?);
        if self.status {
            let state = backup::state(&store, &config.backup, SystemClock.now()).await?;
            output.result(&state, || told(&state))?;
            return Ok(if state.open.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        let to = self.to.clone().or_else(|| config.backup.to.clone());
        let to = to.context("say where to with --to, or in [backup] of portcullis.toml")?;
        let named = if self.recipient.is_empty() { &config.backup.recipients } else { &self.recipient };
        let target = Target {
            keep: (config.backup.to.as_ref() == Some(&to)).then_some(config.backup.keep),
            to,
            recipients: recipients(named)?,
            keys: config.backup.keys && !self.without_keys,
        };
        let spinner = output.spinner("writing the backup");
        let made = backup::make(&home, &store, target, (person(), &SystemClock), backup::unstopped()).await;
        spinner.finish_and_clear();
        // That one failed is on record too.
        LogPublisher::new(&home, store).catch_up().await?;
        let made = made?;
        output.result(&made, || words(&made))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn words(made: &Made) -> String {
    let mut words = format!(
        "{}\n{} bytes, {} files, {} audit entries, the log up to {} entries, in {} ms.\n{}",
        made.file.display(),
        made.bytes,
        made.files,
        made.entries,
        made.log.size,
        made.took_ms,
        made.sha256
    );
    made.left_out.iter().for_each(|one| words.push_str(&format!("\nNot in it: {} ({})", one.path, one.why)));
    made.removed.iter().for_each(|old| words.push_str(&format!("\nRemoved: {}", plain(&old.display().to_string()))));
    words
}

fn told(state: &State) -> String {
    let mut lines = Vec::new();
    for (what, seen) in [("Newest backup:", &state.backup), ("Newest good test:", &state.tested)] {
        let said = seen.as_ref().map_or_else(
            || "never".to_owned(),
            |seen| {
                let took = seen.detail["took-ms"].as_u64().unwrap_or_default();
                let file = plain(seen.detail["file"].as_str().unwrap_or_default());
                format!("{}, {} hours ago, took {took} ms, {file} (entry {})", seen.at, seen.hours_ago, seen.entry)
            },
        );
        lines.push(format!("{what:18} {said}"));
    }
    lines.extend(state.open.iter().map(|open| format!("OPEN: {open}")));
    lines.join("\n")
}
