//! `portcullis plugin upgrade`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_api::admin::Method;
use portcullis_model::{installation::Installation, scope::ScopeText};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ask::agree;
use crate::{
    admin::{Keyboard, asked},
    home::Home,
    host::Host,
    output::Output,
};

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
    plan: Option<&'a Value>,
    /// Newer releases that may not run in its tenant, and why.
    refused: &'a [String],
    applied: bool,
}

/// What a newer release would change.
#[derive(Deserialize)]
struct Planned {
    plan: Option<Value>,
    words: Option<String>,
    refused: Vec<String>,
}

impl Upgrade {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let keyboard = Keyboard::of(&host)?;
        let which = match &self.installation {
            Some(name) => vec![host.installation(name).await?],
            None => {
                let all = keyboard.installations().await?.into_iter().map(|(one, _)| one);
                all.filter(|one| !one.is_gone()).collect()
            }
        };
        let mut failed = 0;
        for installation in &which {
            match self.one(&keyboard, installation, output).await {
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

    async fn one(&self, keyboard: &Keyboard, installation: &Installation, output: Output) -> Result<()> {
        let Planned { plan, words, refused } = keyboard.read_as(&self.question(installation)).await?;
        let Some(plan) = plan else {
            if let (Some(number), true) = (self.to, refused.is_empty()) {
                bail!("there is no newer release {number} of {}; publish it first", installation.plugin);
            }
            let told = Told { installation, plan: None, refused: &refused, applied: false };
            return output.item(&told, || nothing(installation, &refused));
        };
        if !output.json {
            crate::output::line(&words.unwrap_or_default())?;
            refused.iter().try_for_each(|why| crate::output::line(why))?;
        }
        if self.dry_run {
            let told = Told { installation, plan: Some(&plan), refused: &refused, applied: false };
            return if output.json { output.item(&told, String::new) } else { Ok(()) };
        }
        // What waits is refused, with what for: there is nothing to agree to.
        if plan["next"] != "wait" && !self.yes && !output.json {
            agree(&format!("Upgrade {} in tenant '{}'?", installation.id, installation.tenant))?;
        }
        let body = json!({ "to": plan["to"]["release"], "accept": self.accept, "grant": self.grants });
        let upgraded = keyboard.change(Method::POST, installation, "upgrade", Some(&body)).await?;
        let told = Told { installation: &upgraded, plan: Some(&plan), refused: &refused, applied: true };
        output.item(&told, || format!("{} runs {} (release {}) now.", upgraded.id, upgraded.version, upgraded.number))
    }

    /// What is asked to plan it.
    fn question(&self, installation: &Installation) -> String {
        let grants: Vec<String> = self.grants.iter().map(ToString::to_string).collect();
        let query = [
            ("to", self.to.map(|number| number.to_string())),
            ("accept", self.accept.then(|| "true".to_owned())),
            ("grant", (!grants.is_empty()).then(|| grants.join("\n"))),
        ];
        asked(&format!("/installations/{}/upgrade", installation.id), &query)
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
