//! `portcullis plugin upgrade`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::{
    installation::{Installation, InstallationStore as _},
    release::ReleaseError,
    scope::ScopeText,
};
use portcullis_packages::install::{
    InstallError,
    upgrade::{Agreed, Next, UpgradePlan},
};
use serde::Serialize;

use super::ask::agree;
use crate::{home::Home, host::Host, output::Output};

/// Show what a newer release would change, and let an installation run it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis plugin upgrade card-guard --dry-run\n  \
    portcullis plugin upgrade card-guard --accept\n  portcullis plugin upgrade card-guard --grant 'http:send to=chat.example.com'\n  \
    portcullis plugin upgrade --all --yes\n\n\
    Nothing is granted that was not granted before, unless it is named with --grant, or agreed to with --accept.")]
pub struct Upgrade {
    /// The installation: its id, or the plugin's name.
    #[arg(required_unless_present = "all")]
    pub installation: Option<String>,
    /// Every installation of which there is a newer release.
    #[arg(long, conflicts_with_all = ["installation", "to", "grants", "accept"])]
    pub all: bool,
    /// To the release of this number, instead of the newest that may run.
    #[arg(long, value_name = "N")]
    pub to: Option<u64>,
    /// Agree to everything that the newer release needs and the one before did not.
    #[arg(long)]
    pub accept: bool,
    /// Grant this scope too, which it can do without; may be given several times.
    #[arg(long = "grant", value_name = "SCOPE")]
    pub grants: Vec<ScopeText>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// What became of one installation.
#[derive(Serialize)]
struct Told<'a> {
    installation: &'a Installation,
    plan: Option<&'a UpgradePlan>,
    /// Newer releases that may not run in its tenant, and why.
    refused: &'a [String],
    applied: bool,
}

impl Upgrade {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let which = match &self.installation {
            Some(name) => vec![host.installation(name).await?],
            None => host.store.installations().await?.into_iter().filter(|one| !one.is_gone()).collect(),
        };
        let mut failed = 0;
        for installation in &which {
            let done = self.one(&host, installation, output).await;
            super::super::publish(&host).await?;
            match done {
                Ok(()) => {}
                Err(error) if self.all => {
                    failed += 1;
                    tracing::error!("{}: {error:#}", installation.id);
                }
                Err(error) => return Err(error),
            }
        }
        if failed > 0 {
            bail!("{failed} of {} installations were not upgraded; the reasons stand above", which.len());
        }
        Ok(())
    }

    async fn one(&self, host: &Host, installation: &Installation, output: Output) -> Result<()> {
        let agreed = Agreed { everything: self.accept, grant: self.grants.clone() };
        let (plan, refused) = self.plan(host, installation, &agreed).await?;
        let Some((to, plan)) = plan else {
            if let (Some(number), true) = (self.to, refused.is_empty()) {
                bail!("there is no newer release {number} of {}; publish it first", installation.plugin);
            }
            let told = Told { installation, plan: None, refused: &refused, applied: false };
            return output.item(&told, || nothing(installation, &refused));
        };
        if !output.json {
            crate::output::line(&format!("{}\n\n{plan}", plan.diff))?;
            refused.iter().try_for_each(|why| crate::output::line(why))?;
        }
        if self.dry_run {
            let told = Told { installation, plan: Some(&plan), refused: &refused, applied: false };
            return if output.json { output.item(&told, String::new) } else { Ok(()) };
        }
        if plan.next == Next::Wait {
            host.installer().wait(&installation.id, &plan).await?;
            return Err(
                InstallError::Waits { plugin: plan.plugin, release: plan.to.release, why: plan.waits_for }.into()
            );
        }
        if !self.yes && !output.json {
            agree(&format!("Upgrade {} in tenant '{}'?", installation.id, installation.tenant))?;
        }
        let upgraded = host.installer().upgrade(&installation.id, &to, &agreed, false).await?;
        let told = Told { installation: &upgraded, plan: Some(&plan), refused: &refused, applied: true };
        output.item(&told, || format!("{} runs {} (release {}) now.", upgraded.id, upgraded.version, upgraded.number))
    }

    /// The newest release that may run in the installation's tenant, with the plan for it; and those that may not.
    async fn plan(
        &self,
        host: &Host,
        installation: &Installation,
        agreed: &Agreed,
    ) -> Result<(Option<(portcullis_model::release::ReleaseId, UpgradePlan)>, Vec<String>)> {
        let installer = host.installer();
        let mut refused = Vec::new();
        for listed in installer.newer(installation).await? {
            if self.to.is_some_and(|number| number != listed.number) {
                continue;
            }
            match installer.plan_upgrade(installation, &listed.id, agreed).await {
                Ok(plan) => return Ok((Some((listed.id, plan)), refused)),
                Err(InstallError::Release(error @ ReleaseError::Refused { .. })) => {
                    refused.push(format!("Release {} may not run here: {error}", listed.number));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok((None, refused))
    }
}

fn nothing(installation: &Installation, refused: &[String]) -> String {
    let mut lines = vec![format!(
        "{}: {} {} (release {}) is the newest that may run.",
        installation.id, installation.plugin, installation.version, installation.number
    )];
    lines.extend(refused.iter().cloned());
    lines.join("\n")
}
