//! `portcullis plugin rollback`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_api::admin::Method;
use serde_json::json;

use crate::{admin::Keyboard, home::Home, host::Host, output::Output};

/// Let an installation run the release again that it ran before its last upgrade, with its grant.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis plugin rollback card-guard --reason 'redacts order numbers since 1.3.0'\n\n\
    What an admin has taken away since the upgrade stays taken away. A release that was withdrawn, or that lies below the lowest\n\
    that a root lets run, is refused. The release that is left is not taken again by policy."
)]
pub struct Rollback {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// Why; stands in the audit log.
    #[arg(long)]
    pub reason: String,
}

impl Rollback {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        if self.reason.trim().is_empty() {
            bail!("say why, with --reason");
        }
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let body = json!({ "reason": self.reason });
        let back = Keyboard::of(&host)?.change(Method::POST, &installation, "rollback", Some(&body)).await?;
        output.result(&back, || {
            let granted: Vec<String> = back.granted.iter().map(|scope| format!("\n  {scope}")).collect();
            format!("{} runs {} (release {}) again. Granted:{}", back.id, back.version, back.number, granted.concat())
        })
    }
}
