//! `portcullis demo`: everything at work, on recorded events, with nothing faked but the services at the other end.
//!
//! A host runs as a process of its own in a temporary directory; four plugins are built from source, signed, installed and
//! granted; the host gets tokens for them that last seconds, one in its own name and one that a person consents to; a back end outside
//! of the sandbox gets its own from the host; events come in signed as Zendesk signs them; and the account at the end is computed
//! from the audit log, the help desk, what the services at the other end saw, and a search for every secret that was issued.

mod account;
mod back_end;
mod browser;
mod chat;
mod child;
mod credentials;
mod expect;
mod issued;
mod print;
mod provider;
mod recorded;
mod search;
mod secrets;
mod stage;

use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode, time::Duration};

use account::Account;
use anyhow::{Context, Result, bail};
use clap::Args;
use expect::Expectation;
use portcullis_model::queue::{DeliveryState, Queue as _};
use portcullis_store::helpdesk::SqliteHelpDesk;
use recorded::Recorded;
use serde::Serialize;
use stage::Stage;

use crate::output::Output;

/// Show everything at work: real plugins on recorded events, in a temporary directory.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis demo\n  DEMO_JSON=account.json portcullis demo\n\n\
    Ends by itself; exit code 0 only if every expectation held. On a terminal it offers to keep the host running.")]
pub struct Demo {
    /// The source tree, with sample-plugins and tests/events in it.
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub repo: PathBuf,
    /// Also write the account as JSON to this file.
    #[arg(long, env = "DEMO_JSON", value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// How long the deliveries may take before the demo gives up on them.
const PATIENCE: Duration = Duration::from_secs(180);

/// The demo's result, for machines.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether every expectation held.
    pub held: bool,
    /// What was expected, and what was seen.
    pub expectations: Vec<Expectation>,
    /// What happened.
    pub account: Account,
}

impl Demo {
    pub(crate) async fn run(self, output: Output) -> Result<ExitCode> {
        let mut recorded = Recorded::read(&self.repo)?;
        let stage = Stage::set(&self.repo, output).await?;
        recorded.plant(&stage.planted)?;
        let sent = stage.send(&recorded, output).await?;
        settle(&stage, output).await?;
        // What was refused at the door is written once a second.
        tokio::time::sleep(Duration::from_millis(1_600)).await;
        let desk = SqliteHelpDesk::open(&stage.host.home.helpdesk(), stage.host.clock.clone())?;
        let account = Account::draw_up(&stage, sent).await?;
        let expectations = expect::check(&stage, &recorded, &account, &desk).await?;
        let held = expectations.iter().all(|e| e.held);
        let report = Report { held, expectations, account };
        if let Some(file) = &self.report {
            std::fs::write(file, serde_json::to_vec_pretty(&report)?)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        output.result(&report, || print::report(&report))?;
        if !output.json && std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
            keep_serving(&stage).await?;
        }
        stage.end().await?;
        Ok(ExitCode::from(if held { 0 } else { 4 }))
    }
}

/// Waits until every delivery is done or dead.
async fn settle(stage: &Stage, output: Output) -> Result<()> {
    let bar = output.bar(0, "handling");
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let depth = stage.host.store.depth().await?;
            let count = |open: bool| -> u64 {
                let is_open = |s: DeliveryState| matches!(s, DeliveryState::Pending | DeliveryState::Leased);
                depth.iter().filter(|(state, _)| is_open(*state) == open).map(|(_, n)| n).sum()
            };
            bar.set_length(count(true) + count(false));
            bar.set_position(count(false));
            if count(true) == 0 {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    bar.finish_and_clear();
    match waited {
        Ok(settled) => settled,
        Err(_) => {
            bail!("deliveries are still open after {} s; the host's log: {}", PATIENCE.as_secs(), stage.child.log())
        }
    }
}

async fn keep_serving(stage: &Stage) -> Result<()> {
    println!(
        "\nThe host is still running on http://{} (home: {}).\nPress Enter to keep it until Ctrl-C, or Ctrl-C now to end.",
        stage.child.address,
        stage.host.home.dir().display()
    );
    let answer = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    tokio::select! {
        read = answer => {
            if read?? > 0 {
                println!("Serving. Try: portcullis --home {} audit tail --follow", stage.host.home.dir().display());
                crate::commands::serve::signal().await;
            }
        }
        () = crate::commands::serve::signal() => {}
    }
    Ok(())
}
