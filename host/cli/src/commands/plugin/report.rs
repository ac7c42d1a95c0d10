//! `portcullis plugin report`

use anyhow::Result;
use clap::Args;
use portcullis_model::{id::ActId, review::Misbehaviour};
use serde_json::json;

use crate::{
    admin::{Keyboard, given},
    home::Home,
    host::Host,
    output::Output,
    quarantine::Stopped,
};

/// Report that a plugin misbehaves, to the platform and to every tenant that runs it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis plugin report chat-notifier --reason 'posts to another room' --evidence call_....3 --suspend\n\n\
    The platform reads who reports it, and why. Other tenants that run the release read that it was reported, and later\n\
    what came of that. The ids of acts are in 'portcullis audit tail'."
)]
pub struct Report {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// What it does: one line, at most 500 characters.
    #[arg(long)]
    pub reason: String,
    /// Stop the installation at once, too.
    #[arg(long)]
    pub suspend: bool,
    /// Acts in the audit log that show it; 20 at most.
    #[arg(long, value_name = "ACT-ID", num_args = 1..)]
    pub evidence: Vec<ActId>,
}

impl Report {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let (keyboard, installation) = (Keyboard::of(&host)?, host.installation(&self.installation).await?);
        let body = json!({
            "installation": installation.id, "reason": self.reason, "evidence": self.evidence, "suspend": self.suspend,
        });
        let mut answer = keyboard.post("/misbehaviour", &body).await?;
        let report: Misbehaviour = given(answer["report"].take())?;
        let stopped: Option<Stopped> = given(answer["stopped"].take())?;
        let not_suspended = answer["not-suspended"].as_str();
        let value = json!({ "report": report, "suspended": answer["suspended"], "stopped": stopped });
        output.result(&value, || {
            let mut lines = vec![format!("Reported {} {} as {}.", report.plugin, report.version, report.id)];
            if let Some(why) = not_suspended {
                lines.push(format!("{} is NOT suspended: {why}.", installation.id));
            } else if self.suspend {
                lines.push(format!("{} is suspended; 'portcullis plugin resume' lets it go on.", installation.id));
            }
            lines.extend(stopped.iter().map(|stopped| format!("As the platform has it: {}.", stopped.words())));
            lines.join("\n")
        })
    }
}
