//! `portcullis plugin uninstall|restore`

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use clap::Args;
use portcullis_api::admin::Method;
use portcullis_model::{
    erasure::Stopped,
    installation::{Installation, InstallationState},
    scope::parse_seconds,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::agree;
use crate::{
    admin::{Keyboard, given},
    erasure::{self, Exported},
    home::Home,
    host::Host,
    leaving,
    output::Output,
    rotation::Settled,
};

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

/// What became of the installation.
#[derive(Deserialize)]
struct Uninstalled {
    installation: Installation,
    stopped: Stopped,
    credentials: Vec<Credential>,
}

/// What became of one of its credentials.
#[derive(Deserialize)]
struct Credential {
    name: String,
    generation: u64,
    #[serde(flatten)]
    settled: Settled,
}

impl Credential {
    fn value(&self) -> Value {
        let Self { name, generation, settled } = self;
        let upstream = settled.fate().text();
        json!({ "name": name, "provider": settled.provider, "generation": generation, "upstream": upstream })
    }
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
        let keyboard = Keyboard::of(&host)?;
        let (version, exported) = self.exported(&host, &keyboard, &installation).await?;
        let path = format!("/installations/{}/uninstall", installation.id);
        let done = keyboard.act(Method::POST, &path, Some(version), Some(&self.body())).await?;
        let mut done: Uninstalled = given(done)?;
        if self.now {
            done.installation = leaving::erased(&host, &installation.id).await?;
            keyboard.publish().await?;
        }
        let value = json!({
            "installation": done.installation, "stopped": done.stopped, "exported": exported,
            "revoked": done.credentials.iter().map(Credential::value).collect::<Vec<_>>(),
        });
        output.result(&value, || self.told(&done))
    }

    /// What the API is asked for.
    fn body(&self) -> Value {
        let keep_for = (!self.now).then_some(self.keep_for.as_secs());
        json!({ "reason": self.reason, "keep_for": keep_for, "now": self.now })
    }

    /// Exports it, where that is asked for. Gives the version that it has then.
    async fn exported(&self, host: &Host, keyboard: &Keyboard, one: &Installation) -> Result<(u64, Option<Exported>)> {
        let Some(dir) = &self.export else { return Ok((one.generation, None)) };
        if dir.exists() {
            bail!("{} is there already; name a directory that is not", dir.display());
        }
        // Nothing changes any more; where the export fails it is resumed by whoever looks at why.
        let body = json!({ "reason": "it is exported, to be uninstalled" });
        let still = keyboard.change(Method::POST, one, "suspend", Some(&body)).await?;
        Ok((still.generation, Some(erasure::export(host, one, dir).await?)))
    }

    fn told(&self, done: &Uninstalled) -> String {
        let gone = &done.installation;
        let rest = match &gone.state {
            InstallationState::Uninstalled { purge_at, .. } => {
                format!("What it stored is erased at {purge_at}; until then: portcullis plugin restore {}", gone.id)
            }
            _ => format!("It is erased; see 'portcullis plugin receipt {}'.", gone.id),
        };
        let export = self.export.as_ref().map_or(String::new(), |dir| format!("\nExported to {}.", dir.display()));
        let credentials: String = done.credentials.iter().map(|one| one.settled.line(&one.name)).collect();
        format!(
            "Uninstalled {}: {} credentials ended, {} deliveries closed.{credentials}{export}\n{rest}",
            gone.id, done.stopped.secrets, done.stopped.deliveries
        )
    }
}

fn days(span: Duration) -> String {
    let hours = span.as_secs() / 3600;
    if hours.is_multiple_of(24) { (hours / 24).to_string() } else { format!("{}.{}", hours / 24, hours % 24 * 10 / 24) }
}

impl Restore {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let restored = Keyboard::of(&host)?.change(Method::POST, &installation, "restore", None).await?;
        output.result(&restored, || {
            format!("{0} is back, and suspended. Add its connections, then: portcullis plugin resume {0}", restored.id)
        })
    }
}
