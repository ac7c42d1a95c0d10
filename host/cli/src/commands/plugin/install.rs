//! `portcullis plugin install`

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_model::{id::TenantId, installation::Installation, scope::ScopeText};
use portcullis_packages::{
    install::{Order, vetoes},
    keys::PublicKey,
    manifest::Manifest,
    release_dir::{ReleaseFiles, read_release},
};

use crate::{home::Home, host::Host, output::Output};

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

impl Install {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let files = read_release(&self.dir)?;
        let grant = (!self.grants.is_empty()).then_some(self.grants);
        let ask = !self.yes && !output.json;
        let order = Order { tenant: self.tenant, grant, limits: None };
        if self.dry_run {
            let plan = host.installer().prospect(&files, &order, &host.bounds(), self.trust.is_some()).await?;
            return output.result(&plan, || plan.words());
        }
        let installed = ask_and_install(&host, &files, order, self.trust.as_ref(), ask).await;
        super::super::publish(&host).await?;
        let installation = installed?;
        output.result(&installation, || {
            let granted: Vec<String> = installation.granted.iter().map(|s| format!("  {s}")).collect();
            format!("Installed as {}. Granted:\n{}", installation.id, granted.join("\n"))
        })
    }
}

/// Shows the plan, asks where there is somebody to ask, and installs.
pub async fn ask_and_install(
    host: &Host,
    files: &ReleaseFiles,
    order: Order,
    trust: Option<&PublicKey>,
    ask: bool,
) -> Result<Installation> {
    let plan = host.installer().prospect(files, &order, &host.bounds(), trust.is_some()).await?;
    if ask {
        println!("{}\n", plan.words());
        if !std::io::stdin().is_terminal() {
            bail!("nobody is there to agree; read the plan above, then add --yes");
        }
        print!("Install it in tenant '{}'? [y/N] ", order.tenant);
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).context("cannot read the answer")?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            bail!("not installed");
        }
    }
    let manifest = Manifest::parse(&files.stored.manifest)?;
    if let Some(why) = vetoes(&host.bounds(), &manifest, &order).first() {
        bail!("not installed: {why}");
    }
    if let Some(key) = trust {
        host.trust_publisher(&plan.publisher, key).await?;
    }
    Ok(host.installer().install(files, order).await?)
}
