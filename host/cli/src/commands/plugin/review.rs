//! `portcullis plugin review`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::{
    audit::Kind,
    catalogue::Catalogue as _,
    release::{ReleaseStore as _, Releases as _},
    scope::ScopeText,
};
use serde_json::json;

use crate::{home::Home, host::Host, output::Output};

/// Set the most that a release may do on this host, whatever its manifest asks and admins grant.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis plugin review card-guard 'tickets:read fields=comments' tickets:redact log:write\n\n\
    It holds for every installation of that release, at once, and stands in the audit log under the name of the account.\n\
    Without scopes the release may do nothing any more."
)]
pub struct Review {
    /// An installation of the release: its id, or the plugin's name.
    pub installation: String,
    /// All that the release may do at most.
    pub scopes: Vec<ScopeText>,
    /// Needed where no scope is given.
    #[arg(long)]
    pub nothing: bool,
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
        let release = host.registry.verified(&installation.release_id()).await?;
        let texts: Vec<String> = self.scopes.iter().map(ToString::to_string).collect();
        let entry = host
            .entry(Kind::ReleaseReviewed, None)
            .about(format!("release:{}", release.digest))
            .with("plugin", release.plugin.as_str())
            .with("version", release.version.as_str())
            .with("manifest-digest", installation.manifest.to_string())
            .with("scopes", texts.clone());
        host.store.review(installation.release_id(), self.scopes, entry).await?;
        super::super::publish(&host).await?;
        let value = json!({ "plugin": release.plugin, "release": release.digest, "at-most": texts });
        output.result(&value, || {
            let list = if texts.is_empty() { "  nothing".into() } else { format!("  {}", texts.join("\n  ")) };
            format!("{} {} ({}) may at most:\n{list}", release.plugin, release.version, release.digest.short())
        })
    }
}
