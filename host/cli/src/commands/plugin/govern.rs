//! `portcullis plugin list|grant|suspend|resume|log`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::{
    budget::{BudgetStore as _, Suspension},
    installation::{Installation, InstallationState, InstallationStore as _},
    scope::ScopeText,
};

use super::capability::{self, Listed};
use crate::{home::Home, host::Host, output::Output};

/// Replace what an installation is granted.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis plugin grant card-guard 'tickets:read fields=comments' tickets:redact log:write\n\n\
    The list replaces the grant. It holds for every call that begins from now on."
)]
pub struct Grant {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// All that it shall have.
    #[arg(required = true)]
    pub scopes: Vec<ScopeText>,
}

/// Stop an installation at once. Its events wait.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin suspend card-guard --reason 'redacts order numbers'")]
pub struct Suspend {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// Why; stands in the audit log.
    #[arg(long)]
    pub reason: String,
}

/// Let a suspended installation go on, or one capability that a budget suspended.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis plugin resume card-guard\n  portcullis plugin resume card-guard --capability tickets"
)]
pub struct Resume {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// Only this capability, which was suspended because a budget ran out; 'events' for its calls. What it has used of that
    /// budget in the last hour is forgiven.
    #[arg(long, value_name = "NAME")]
    pub capability: Option<String>,
}

/// Print what plugins have logged.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis plugin log\n  portcullis plugin log card-guard -n 200 --json")]
pub struct Log {
    /// Only of this installation: its id, or the plugin's name.
    pub installation: Option<String>,
    /// How many lines.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub lines: usize,
}

fn state(installation: &Installation) -> String {
    match &installation.state {
        InstallationState::Active => "active".into(),
        InstallationState::Suspended { reason } => format!("suspended: {reason}"),
        InstallationState::Uninstalled { purge_at, reason, .. } => {
            format!("uninstalled: {reason}; erased at {purge_at}")
        }
        InstallationState::Erased { at } => format!("erased at {at}"),
    }
}

fn print(output: Output, installation: &Installation, suspensions: &[Suspension]) -> Result<()> {
    let listed = Listed::new(installation, suspensions);
    output.item(&listed, || {
        let waiting = installation.waiting.as_ref().map_or(String::new(), |waiting| {
            format!("\n      {} (release {}) waits: {}", waiting.version, waiting.number, waiting.why.join("; "))
        });
        let scopes: Vec<String> = installation.granted.iter().map(|s| format!("\n      {s}")).collect();
        format!(
            "{}  {} {}  tenant {}  {}  release {}{}{}{waiting}",
            installation.id,
            installation.plugin,
            installation.version,
            installation.tenant,
            state(installation),
            installation.release.short(),
            scopes.concat(),
            listed.lines()
        )
    })
}

/// Lists the installations.
pub async fn list(home: Home, output: Output) -> Result<()> {
    let host = Host::open(home).await?;
    let mut all = host.store.installations().await?;
    // Of what is erased there is nothing to be done any more; its receipt names it.
    all.retain(|one| !matches!(one.state, InstallationState::Erased { .. }));
    if all.is_empty() && !output.json {
        println!("Nothing is installed; see 'portcullis plugin install --help'.");
    }
    let suspensions = host.store.suspensions(host.clock.now()).await?;
    all.iter().try_for_each(|installation| print(output, installation, &suspensions))
}

impl Grant {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let changed = host.installer().grant(&installation.id, self.scopes).await;
        super::super::publish(&host).await?;
        print(output, &changed?, &[])
    }
}

impl Suspend {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        if self.reason.trim().is_empty() {
            bail!("say why, with --reason");
        }
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let changed = host.installer().suspend(&installation.id, &self.reason).await;
        super::super::publish(&host).await?;
        print(output, &changed?, &[])
    }
}

impl Resume {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        if let Some(capability) = &self.capability {
            return capability::resume(&host, &installation, capability, output).await;
        }
        let changed = host.installer().resume(&installation.id).await;
        super::super::publish(&host).await?;
        print(output, &changed?, &[])
    }
}

impl Log {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let of = match &self.installation {
            Some(name) => Some(host.installation(name).await?.id),
            None => None,
        };
        for line in host.store.log_lines(of, self.lines).await? {
            output.item(&line, || format!("{} {} {:5} {}", line.time, line.call, line.level, line.message))?;
        }
        Ok(())
    }
}
