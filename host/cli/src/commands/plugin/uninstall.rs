//! `portcullis plugin uninstall|restore`

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::{
    ending::Ending,
    installation::{Installation, InstallationState, InstallationStore as _},
    scope::parse_seconds,
};
use serde_json::json;

use super::ask::agree;
use crate::{
    erasure,
    home::Home,
    host::{Host, person},
    output::Output,
    rotation,
};

/// How long a running host may take to erase what it was told to.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stop an installation for good: its credentials are ended and revoked at once, what it stored goes after a time of grace.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis plugin uninstall card-guard --reason 'not needed' --export card-guard-data\n  \
    portcullis plugin uninstall card-guard --reason 'asked to' --now\n\n\
    'portcullis plugin restore' takes it back before the time is over; 'portcullis plugin receipt' proves that it is erased."
)]
pub struct Uninstall {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// Why; stands in the audit log.
    #[arg(long)]
    pub reason: String,
    /// First write all that it stored, its log and what it did into this new directory.
    #[arg(long, value_name = "DIR")]
    pub export: Option<PathBuf>,
    /// How long what it stored is kept: a number with s, m, h or d.
    #[arg(long, default_value = "30d", value_parser = span, value_name = "TIME")]
    pub keep_for: Duration,
    /// Erase it at once.
    #[arg(long, conflicts_with = "keep_for")]
    pub now: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// Take back an installation that was uninstalled and is not erased yet. It is suspended then.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin restore ins_0123456789abcdef")]
pub struct Restore {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
}

fn span(text: &str) -> Result<Duration, String> {
    let seconds = parse_seconds(text).ok_or("expected a number with s, m, h or d, such as 30d")?;
    Ok(Duration::from_secs(seconds))
}

impl Uninstall {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        if self.reason.trim().is_empty() {
            bail!("say why, with --reason");
        }
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        if !self.yes && !output.json {
            let when = if self.now { "at once".to_owned() } else { format!("after {} days", days(self.keep_for)) };
            let what = format!("{} ({}) in tenant '{}'", installation.id, installation.plugin, installation.tenant);
            agree(&format!("Uninstall {what}, and erase what it stored {when}?"))?;
        }
        if let Some(dir) = self.export.as_ref().filter(|dir| dir.exists()) {
            bail!("{} is there already; name a directory that is not", dir.display());
        }
        let exported = match &self.export {
            Some(dir) => {
                // Nothing changes any more; where the export fails it is resumed by whoever looks at why.
                host.installer().suspend(&installation.id, "it is exported, to be uninstalled").await?;
                Some(erasure::export(&host, &installation, dir).await?)
            }
            None => None,
        };
        let now = host.clock.now();
        let purge_at = if self.now { now } else { now.plus(self.keep_for) };
        let done = host.installer().uninstall(host.store.as_ref(), &installation.id, &self.reason, purge_at).await;
        super::super::publish(&host).await?;
        let (mut gone, stopped) = done?;
        // What their providers cannot be asked for now, a running host asks for again.
        let its = |ending: &Ending| ending.key.installation == gone.id && ending.key.tenant == gone.tenant;
        let settled = rotation::endings(&host, person()).settle(its, self.now).await?;
        super::super::publish(&host).await?;
        if self.now {
            gone = erased(&host, &gone).await?;
            super::super::publish(&host).await?;
        }
        let value = json!({
            "installation": gone, "stopped": stopped, "revoked": rotation::fates(&settled), "exported": exported
        });
        output.result(&value, || {
            let export = self.export.as_ref().map_or(String::new(), |dir| format!("\nExported to {}.", dir.display()));
            let rest = match &gone.state {
                InstallationState::Erased { .. } => {
                    format!("It is erased; see 'portcullis plugin receipt {}'.", gone.id)
                }
                _ => {
                    format!("What it stored is erased at {purge_at}; until then: portcullis plugin restore {}", gone.id)
                }
            };
            format!(
                "Uninstalled {}: {} credentials ended, {} deliveries closed.{}{export}\n{rest}",
                gone.id,
                stopped.secrets,
                stopped.deliveries,
                rotation::told(&settled)
            )
        })
    }
}

fn days(span: Duration) -> String {
    let hours = span.as_secs() / 3600;
    if hours.is_multiple_of(24) { (hours / 24).to_string() } else { format!("{}.{}", hours / 24, hours % 24 * 10 / 24) }
}

/// Erases it: here where no host runs in this home, or by the host that runs, which knows when its last call has ended.
async fn erased(host: &Host, gone: &Installation) -> Result<Installation> {
    if let Ok(_lock) = host.home.lock() {
        return Ok(erasure::purge(host, gone).await?.0);
    }
    let patience = tokio::time::Instant::now() + PATIENCE;
    loop {
        let all = host.store.installations().await?;
        match all.into_iter().find(|one| one.id == gone.id) {
            Some(one) if matches!(one.state, InstallationState::Erased { .. }) => return Ok(one),
            _ if tokio::time::Instant::now() >= patience => {
                bail!("it is uninstalled; the host that runs has not erased it yet, and goes on trying: see its log");
            }
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

impl Restore {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let restored = host.installer().restore(&installation.id).await;
        super::super::publish(&host).await?;
        let restored = restored?;
        output.result(&restored, || {
            format!("{0} is back, and suspended. Add its connections, then: portcullis plugin resume {0}", restored.id)
        })
    }
}
