//! `portcullis plugin review`

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::{catalogue::Catalogue as _, scope::ScopeText};
use portcullis_packages::{
    keys::{self, Signer},
    statement::{Decision, Verdict},
};
use serde_json::json;

use crate::{home::Home, host::Host, output::Output, signing::Unlocking};

/// Approve a release, and say the most that it may do, whatever its manifest asks and admins grant.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis plugin review card-guard 'tickets:read fields=comments' tickets:redact log:write\n\n\
    It holds for every installation of that release, at once, and is signed. Without scopes the release may do nothing any more."
)]
pub struct Review {
    /// An installation of the release: its id, or the plugin's name.
    pub installation: String,
    /// All that the release may do at most.
    pub scopes: Vec<ScopeText>,
    /// Needed where no scope is given.
    #[arg(long)]
    pub nothing: bool,
    /// The reviewer's key: a file, or agent:KEY or agent:COMMENT; the host's own where none is given.
    #[arg(long)]
    pub key: Option<String>,
    /// How a key file is unlocked.
    #[command(flatten)]
    pub unlocking: Unlocking,
    /// In how many days it must be vetted again.
    #[arg(long, default_value_t = 180)]
    pub days: u64,
    /// Why.
    #[arg(long, default_value = "reviewed")]
    pub reason: String,
}

impl Review {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        if self.scopes.is_empty() != self.nothing {
            bail!("give the scopes that the release may have at most, or --nothing");
        }
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        for scope in &self.scopes {
            portcullis_capabilities::Catalogue.describe(scope)?;
        }
        let key: Box<dyn Signer> = match &self.key {
            Some(name) => keys::open(name, &self.unlocking)?,
            None => Box::new(host.root_key()?),
        };
        let now = host.clock.now();
        let texts: Vec<String> = self.scopes.iter().map(ToString::to_string).collect();
        let verdict = Verdict {
            decision: Decision::Approve,
            at_most: self.scopes,
            issued: now,
            expires: now.plus(Duration::from_secs(self.days.saturating_mul(24 * 60 * 60))),
            report: None,
            reason: self.reason,
        };
        let id = installation.release_id();
        host.state(&id, verdict, key.as_ref()).await?;
        super::super::publish(&host).await?;
        let value = json!({ "plugin": installation.plugin, "release": id.component, "at-most": texts });
        output.result(&value, || {
            let list = if texts.is_empty() { "  nothing".into() } else { format!("  {}", texts.join("\n  ")) };
            format!("{} {} ({}) may at most:\n{list}", installation.plugin, installation.version, id.component.short())
        })
    }
}
