//! `portcullis posture`

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use portcullis_duties::{posture::Posture, report::posture_text};
use portcullis_model::id::TenantId;

use crate::{
    admin::{Keyboard, asked},
    duties,
    home::Home,
    host::Host,
    output::Output,
};

/// Say how a tenant stands: each setting of its profiles and each duty holds, is open, or is accepted as a risk.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis posture\n  portcullis posture --tenant acme --evidence\n  \
    portcullis posture --tenant acme --html posture.html\n\n\
    It is computed now, from live state and the log. A running host does so each minute, and records each line that changes.")]
pub struct PostureCommand {
    /// Which tenant; the only one where there is one.
    #[arg(long)]
    tenant: Option<TenantId>,
    /// With what each line rests on.
    #[arg(long)]
    evidence: bool,
    /// Write a page that can be printed to this file: one file, no script. '-' is standard output.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl PostureCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let tenant = duties::tenant(&host, self.tenant).await?;
        let keyboard = Keyboard::of(&host)?;
        let tenant = [("tenant", Some(tenant.to_string()))];
        match self.html {
            Some(file) => {
                let page = keyboard.read(&asked("/posture.html", &tenant)).await?;
                write(&file, page.as_str().unwrap_or_default())
            }
            None => {
                let posture: Posture = keyboard.read_as(&asked("/posture", &tenant)).await?;
                output.result(&posture, || posture_text(&posture, self.evidence))
            }
        }
    }
}

/// Writes a page to a file, or to standard output.
pub(super) fn write(file: &std::path::Path, page: &str) -> Result<()> {
    if file.as_os_str() == "-" {
        return crate::output::line(page.trim_end());
    }
    std::fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))?;
    crate::output::line(&format!("Written to {}.", file.display()))
}
