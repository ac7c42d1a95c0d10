//! `portcullis plugin list|grant|suspend|resume`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_api::admin::Method;
use portcullis_model::{
    budget::Suspension,
    installation::{Installation, InstallationState},
    scope::ScopeText,
};
use serde_json::{Value, json};

use super::capability::{self, Listed};
use crate::{admin::Keyboard, home::Home, host::Host, output::Output};

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

fn state(installation: &Installation) -> String {
    match &installation.state {
        InstallationState::Active => "active".into(),
        InstallationState::Suspended { reason, .. } => format!("suspended: {reason}"),
        InstallationState::Uninstalled { purge_at, reason, .. } => {
            format!("uninstalled: {reason}; erased at {purge_at}")
        }
        InstallationState::Erased { at, .. } => format!("erased at {at}"),
    }
}

fn print(output: Output, installation: &Installation, suspensions: &[Suspension]) -> Result<()> {
    print_listed(output, &Listed::new(installation, suspensions))
}

fn print_listed(output: Output, listed: &Listed<'_>) -> Result<()> {
    let installation = listed.installation;
    output.item(listed, || {
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
    // Of what is erased there is nothing to be done any more; its receipt names it.
    let all = Keyboard::of(&host)?.installations().await?;
    if all.is_empty() && !output.json {
        println!("Nothing is installed; see 'portcullis plugin install --help'.");
    }
    let risks = crate::duties::risks(&host).await?;
    all.iter().try_for_each(|(installation, suspensions)| {
        let own = risks.iter().filter(|(whose, _)| *whose == installation.id).map(|(_, risk)| risk.clone());
        let listed = Listed { risks: own.collect(), ..Listed::new(installation, suspensions) };
        print_listed(output, &listed)
    })
}

/// Changes an installation by the operation of this name, and shows how it is then.
async fn change(
    host: &Host,
    installation: &Installation,
    (method, operation): (Method, &str),
    body: Option<Value>,
    output: Output,
) -> Result<()> {
    let changed = Keyboard::of(host)?.change(method, installation, operation, body.as_ref()).await?;
    print(output, &changed, &[])
}

impl Grant {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let body = json!({ "scopes": self.scopes });
        change(&host, &installation, (Method::PUT, "grant"), Some(body), output).await
    }
}

impl Suspend {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        if self.reason.trim().is_empty() {
            bail!("say why, with --reason");
        }
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let body = json!({ "reason": self.reason });
        change(&host, &installation, (Method::POST, "suspend"), Some(body), output).await
    }
}

impl Resume {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        match &self.capability {
            Some(capability) => capability::resume(&host, &installation, capability, output).await,
            None => change(&host, &installation, (Method::POST, "resume"), None, output).await,
        }
    }
}
