//! `portcullis plugin explain`

use anyhow::Result;
use clap::Args;
use portcullis_model::{authority::Standing, scope::ScopeText};
use serde::Deserialize;

use crate::{
    admin::{Keyboard, asked},
    home::Home,
    host::Host,
    output::Output,
};

/// Say what becomes of a scope in an installation: which layers give it, and who could give more.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin explain card-guard 'tickets:read fields=subject,comments'")]
pub struct Explain {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// What one would like to know about.
    pub scope: ScopeText,
}

/// What becomes of a scope, and what it means.
#[derive(Deserialize)]
struct Stood {
    means: Vec<String>,
    classes: Vec<String>,
    standing: Standing,
}

impl Explain {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let path = format!("/installations/{}/standing", installation.id);
        let path = asked(&path, &[("scope", Some(self.scope.to_string()))]);
        let Stood { means, classes, standing } = Keyboard::of(&host)?.read_as(&path).await?;
        output.result(&standing, || {
            let mut lines = vec![format!("{}: a plugin that {}", self.scope, means.join("; "))];
            if !classes.is_empty() {
                lines.push(format!("  Data that it touches: {}", classes.join(", ")));
            }
            lines.extend(super::super::why::standing(&standing));
            lines.join("\n")
        })
    }
}
