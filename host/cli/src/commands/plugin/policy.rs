//! `portcullis plugin policy`

use anyhow::Result;
use clap::Args;
use portcullis_api::admin::Method;
use portcullis_model::upgrade::UpgradePolicy;
use serde_json::json;

use crate::{admin::Keyboard, home::Home, host::Host, output::Output};

/// Set which newer releases an installation takes by itself.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin policy card-guard patch\n\n\
    Only releases that ask for no more than the one before are ever taken by themselves; others wait, see 'portcullis notices'.")]
pub struct Policy {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// manual: none. patch: those of the same major and minor version. all: all.
    pub policy: UpgradePolicy,
}

impl Policy {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let body = json!({ "upgrades": self.policy.to_string() });
        let changed = Keyboard::of(&host)?.change(Method::PUT, &installation, "policy", Some(&body)).await?;
        output.result(&changed, || format!("{} upgrades by itself: {}", changed.id, changed.upgrades))
    }
}
