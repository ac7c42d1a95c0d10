//! `portcullis profile`

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use portcullis_api::admin::Method;
use portcullis_duties::{
    catalogue::{Catalogue, Profile},
    look::Change,
};
use portcullis_model::id::{ProfileName, TenantId};
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, given},
    duties,
    home::Home,
    host::Host,
    output::Output,
};

/// Sets of thresholds that a tenant turns on. Of several, the most restrictive value of each setting holds.
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// List the profiles, and which tenants have them on.
    #[command(after_help = "Example:\n  portcullis profile list")]
    List,
    /// Show what a profile sets.
    #[command(after_help = "Example:\n  portcullis profile show healthcare")]
    Show {
        /// Which.
        profile: ProfileName,
    },
    /// Turn a profile on for a tenant. It holds from the next call on.
    #[command(after_help = "Examples:\n  portcullis profile set healthcare --tenant acme --dry-run\n  \
        portcullis profile set healthcare --tenant acme --as 'Dana Example' --reason 'our tickets hold data about health'")]
    Set(Turn),
    /// Turn a profile off for a tenant.
    #[command(
        after_help = "Example:\n  portcullis profile unset payment --tenant acme --as 'Dana Example' --reason 'no cards any more'"
    )]
    Unset(Turn),
}

/// Which profile of which tenant, and who says so.
#[derive(Debug, Args)]
pub struct Turn {
    /// Which.
    profile: ProfileName,
    /// Of which tenant; the only one where there is one.
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Who decides it.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Why.
    #[arg(long, required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Only say what would change, for which installation.
    #[arg(long)]
    dry_run: bool,
}

impl ProfileCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        match self {
            Self::List => list(&Host::open(home).await?, output).await,
            Self::Show { profile } => {
                let catalogue = Catalogue::built_in()?;
                let found = catalogue.profile(&profile).with_context(|| catalogue.unknown(&profile))?;
                output.result(found, || words(found))
            }
            Self::Set(turn) => turn.run(home, output, true).await,
            Self::Unset(turn) => turn.run(home, output, false).await,
        }
    }
}

async fn list(host: &Host, output: Output) -> Result<()> {
    let all = Keyboard::of(host)?.read("/profiles").await?;
    for profile in all["items"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (name, always) = (text(&profile["profile"]), profile["always"] == true);
        let of: Vec<String> = profile["on"].as_array().into_iter().flatten().map(|on| text(&on["tenant"])).collect();
        let value = json!({ "profile": name, "always": always, "tenants": of });
        output.item(&value, || {
            let whom = match (always, of.is_empty()) {
                (true, _) => "every tenant".to_owned(),
                (false, true) => "nobody".to_owned(),
                (false, false) => of.join(", "),
            };
            format!("{name:12} on for {whom}: {}", text(&profile["words"]))
        })?;
    }
    Ok(())
}

fn words(profile: &Profile) -> String {
    let mut lines = vec![format!("{}: {}", profile.name, profile.words)];
    lines.extend(profile.settings.iter().map(|one| format!("  {:6}  {}", one.duty.as_str(), one.value.words())));
    lines.join("\n")
}

impl Turn {
    async fn run(self, home: Home, output: Output, on: bool) -> Result<()> {
        let host = Host::open(home).await?;
        let tenant = duties::tenant(&host, self.tenant.clone()).await?;
        let keyboard = Keyboard::of(&host)?.known_as(self.name);
        let rehearsal = if self.dry_run { "?dry_run=true" } else { "" };
        let path = format!("/tenants/{tenant}/profiles/{}{rehearsal}", self.profile);
        let body = json!({ "on": on, "reason": self.reason.unwrap_or_default() });
        let mut turned = keyboard.act(Method::PUT, &path, None, Some(&body)).await?;
        let changes: Vec<Change> = given(turned["changes"].take())?;
        let value = json!({
            "tenant": tenant, "profile": self.profile, "on": on, "dry-run": self.dry_run, "changes": changes
        });
        if self.dry_run {
            return output.result(&value, || told(&changes, "would change"));
        }
        let done = turned["already"] == false;
        output.result(&value, || {
            let state = if on { "on" } else { "off" };
            match done {
                true => format!(
                    "'{}' is {state} for {tenant}, from the next call on.\n{}",
                    self.profile,
                    told(&changes, "changes")
                ),
                false => format!("'{}' is {state} for {tenant} already.", self.profile),
            }
        })
    }
}

fn told(changes: &[Change], verb: &str) -> String {
    if changes.is_empty() {
        return format!("Nothing {verb} for any installation.");
    }
    let mut lines = vec![format!("What {verb}:")];
    lines.extend(changes.iter().map(|one| format!("  {} ({}): {}", one.plugin, one.installation, one.what)));
    lines.join("\n")
}
