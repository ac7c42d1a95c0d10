//! `portcullis plugin install`

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::{id::TenantId, installation::Installation, scope::ScopeText};
use portcullis_packages::{
    bundle,
    keys::PublicKey,
    manifest::Manifest,
    release_dir::{ReleaseFiles, read_release},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::agree;
use crate::{
    admin::{Keyboard, asked, given},
    home::Home,
    host::Host,
    output::Output,
};

/// Show what an installation would mean, and install.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis plugin install my-plugin/dist --trust portcullis-key-v1:...\n  \
    portcullis plugin install my-plugin/dist --grant 'tickets:read fields=subject' --grant log:write --yes\n\n\
    Without --grant all required scopes are granted as they are asked for. Get the publisher's key by another way than\n\
    the release came.")]
pub struct Install {
    /// A bundle, or a directory with plugin.wasm, portcullis.toml and release.dsse.json.
    pub dir: PathBuf,
    /// In which tenant.
    #[arg(long, default_value = "demo")]
    pub tenant: TenantId,
    /// Grant just this; may be given several times.
    #[arg(long = "grant", value_name = "SCOPE")]
    pub grants: Vec<ScopeText>,
    /// Trust this key of the plugin's publisher from now on.
    #[arg(long, value_name = "KEY")]
    pub trust: Option<PublicKey>,
    /// Show what an installation would mean and what is missing for it, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// What an installation would mean.
#[derive(Deserialize)]
struct Planned {
    plan: Value,
    words: String,
    /// Why the tenant's rules have it not installed, whoever agrees.
    vetoes: Vec<String>,
}

impl Install {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let files = read_release(&self.dir)?;
        let planned = Keyboard::of(&host)?.read_of(&self.question(), bundle::to_bytes(&files)?).await?;
        let Planned { plan, words, vetoes } = given(planned)?;
        if self.dry_run {
            return output.result(&plan, || words);
        }
        if !self.yes && !output.json {
            crate::output::line(&format!("{words}\n"))?;
            agree(&format!("Install it in tenant '{}'?", self.tenant))?;
        }
        if let Some(why) = vetoes.first() {
            bail!("not installed: {why}");
        }
        let grant = (!self.grants.is_empty()).then_some(self.grants.as_slice());
        let installation = install_release(&host, &files, &self.tenant, grant, self.trust.as_ref()).await?;
        output.result(&installation, || {
            let granted: Vec<String> = installation.granted.iter().map(|s| format!("  {s}")).collect();
            format!("Installed as {}. Granted:\n{}", installation.id, granted.join("\n"))
        })
    }

    /// What is asked to plan it.
    fn question(&self) -> String {
        let grants: Vec<String> = self.grants.iter().map(ToString::to_string).collect();
        let query = [
            ("tenant", Some(self.tenant.to_string())),
            ("grant", (!grants.is_empty()).then(|| grants.join("\n"))),
            ("trusting", self.trust.is_some().then(|| "true".to_owned())),
        ];
        asked("/installations/plan", &query)
    }
}

/// Puts a release into the registry and installs it, as the person at the keyboard; trusts this key of its publisher first, where
/// one is given. Without a grant it gets all that its manifest does not call optional.
///
/// # Errors
/// The key cannot be trusted, or what the API refuses. What was trusted or published by then stays.
pub async fn install_release(
    host: &Host,
    files: &ReleaseFiles,
    tenant: &TenantId,
    grant: Option<&[ScopeText]>,
    trust: Option<&PublicKey>,
) -> Result<Installation> {
    let (keyboard, bytes) = (Keyboard::of(host)?, bundle::to_bytes(files)?);
    let ReleaseFiles { stored, .. } = files;
    if let Some(key) = trust {
        // With the host's own root key, which is used here alone.
        host.trust_publisher(&Manifest::parse(&stored.manifest)?.publisher, key).await?;
    }
    keyboard.send("/releases", bytes).await?;
    let id = stored.id();
    let body = json!({ "tenant": tenant, "component": id.component, "manifest": id.manifest, "grant": grant });
    let mut installed = keyboard.post("/installations", &body).await?;
    given(installed["installation"].take())
}
