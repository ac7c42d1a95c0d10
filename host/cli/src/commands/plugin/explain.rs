//! `portcullis plugin explain`

use anyhow::Result;
use clap::Args;
use portcullis_model::{catalogue::Catalogue as _, scope::ScopeText};

use crate::{home::Home, host::Host, output::Output};

/// Say what becomes of a scope in an installation: which layers give it, and who could give more.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin explain card-guard 'tickets:read fields=subject,comments'")]
pub struct Explain {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// What one would like to know about.
    pub scope: ScopeText,
}

impl Explain {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let meant = portcullis_capabilities::Catalogue.describe(&self.scope)?;
        let standing = host.explainer().standing(&installation, &self.scope).await?;
        output.result(&standing, || {
            let words: Vec<&str> = meant.iter().map(|one| one.words.as_str()).collect();
            let classes: Vec<&str> = meant.iter().flat_map(|one| &one.classes).map(|class| class.name()).collect();
            let mut lines = vec![format!("{}: a plugin that {}", self.scope, words.join("; "))];
            if !classes.is_empty() {
                lines.push(format!("  Data that it touches: {}", classes.join(", ")));
            }
            lines.extend(super::super::why::standing(&standing));
            lines.join("\n")
        })
    }
}
