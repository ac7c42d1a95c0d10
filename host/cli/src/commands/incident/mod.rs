//! `portcullis incident`

mod announce;
mod containing;
mod open;
mod show;

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use clap::Subcommand;
use portcullis_model::{
    audit::query::moment,
    id::{IncidentId, TenantId},
    incident::{ChangeError, Incident},
    time::Timestamp,
};
use serde_json::json;

use crate::{
    admin::{Keyboard, given, or_unknown},
    home::Home,
    host::Host,
    output::Output,
};

/// Incidents: contained in one act, followed until they are closed, with who must be told by when.
#[derive(Debug, Subcommand)]
pub enum IncidentCommand {
    /// Open one: from an alert, a report of misbehaviour, or by hand.
    #[command(
        after_help = "Examples:\n  portcullis incident open --alert alr_3 --title 'sends to a host that nobody knows'\n  \
        portcullis incident open --plugin com.example.sync --severity critical --title 'key stolen' --contain\n\n\
        What must be told to whom, and by when, follows from a table; times count from now."
    )]
    Open(open::Open),
    /// List those that are not closed.
    #[command(after_help = "Example:\n  portcullis incident list --all")]
    List {
        /// Also those that are closed.
        #[arg(long)]
        all: bool,
    },
    /// Show one: how it stands, who must be told by when, and that nothing of it came after its containment.
    #[command(after_help = "Examples:\n  portcullis incident show inc_1f0c\n  \
        portcullis incident show inc_1f0c --timeline --hours 72 --data")]
    Show(show::Show),
    /// Contain it: suspend and freeze all that it is about in one transaction, then revoke and rotate its credentials.
    #[command(
        after_help = "Examples:\n  portcullis incident contain inc_1f0c --dry-run\n  portcullis incident contain inc_1f0c\n  \
        portcullis incident contain inc_1f0c --resume\n\n\
        Nothing of it starts again, whoever asks for it, before 'portcullis incident lift'. Exits with 1 where the running host has\n\
        not said that nothing runs and nothing goes out, or where a credential could not be rotated: --resume goes on."
    )]
    Contain(containing::Contain),
    /// Write down what was found or done.
    #[command(
        after_help = "Example:\n  portcullis incident note inc_1f0c 'the vendor confirms that its build server was broken into'"
    )]
    Note {
        /// Which.
        incident: IncidentId,
        /// What.
        text: String,
    },
    /// Say that one who must know of it was told.
    #[command(
        after_help = "Examples:\n  portcullis incident told inc_1f0c subscriber --tenant acme --to 'Ana Diaz, by telephone'\n  \
        portcullis incident told inc_1f0c authority --to 'case 2026-4711'"
    )]
    Told {
        /// Which.
        incident: IncidentId,
        /// Who, as 'incident show' calls them, such as authority.
        who: String,
        /// Whom exactly, and how.
        #[arg(long)]
        to: String,
        /// Of this tenant. Without it: of all that it reaches.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// When. Absent: now.
        #[arg(long, value_parser = time, value_name = "TIME")]
        at: Option<Timestamp>,
    },
    /// Let what its containment holds go on. What was suspended stays so until its admin resumes it.
    #[command(
        after_help = "Example:\n  portcullis incident lift inc_1f0c --reason 'release 1.4.2 is reviewed and installed'"
    )]
    Lift {
        /// Which.
        incident: IncidentId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Close it, with its cause and what prevents another. What it holds goes on being held.
    #[command(after_help = "Example:\n  portcullis incident close inc_1f0c --cause 'a stolen signing key' \\\n    \
        --prevention 'the key is in hardware now, and the publisher needs two signatures'")]
    Close {
        /// Which.
        incident: IncidentId,
        /// What the cause was.
        #[arg(long)]
        cause: String,
        /// What prevents another.
        #[arg(long)]
        prevention: String,
        /// Why those who were not told need not be.
        #[arg(long, value_name = "WHY")]
        untold: Option<String>,
    },
    /// All that is known of it, as one text: how it stands, timeline, data, destinations.
    #[command(after_help = "Example:\n  portcullis incident report inc_1f0c --json > inc_1f0c.json")]
    Report {
        /// Which.
        incident: IncidentId,
        /// From so many hours before it was opened.
        #[arg(long, default_value_t = 24)]
        hours: u64,
    },
    /// Tell of it on the status page, in words that name no subscriber.
    #[command(
        after_help = "Example:\n  portcullis incident announce inc_1f0c --title 'An integration is stopped' \\\n    \
        --words 'We stopped an integration that misbehaved. Whoever uses it was told.'"
    )]
    Announce {
        /// Which.
        incident: IncidentId,
        /// In a few words; everybody can read it.
        #[arg(long)]
        title: String,
        /// In more; everybody can read it.
        #[arg(long)]
        words: String,
    },
}

fn time(text: &str) -> Result<Timestamp, String> {
    moment(text).ok_or_else(|| "expected a time such as 2026-11-01T09:30:00Z".to_owned())
}

impl IncidentCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let host = Arc::new(Host::open(home).await?);
        let (id, then, body) = match self {
            Self::Open(command) => return command.run(&host, output).await,
            Self::List { all } => return list(&host, all, output).await.map(|()| ExitCode::SUCCESS),
            Self::Show(command) => return command.run(&host, output).await.map(|()| ExitCode::SUCCESS),
            Self::Contain(command) => return command.run(&host, output).await,
            Self::Report { incident, hours } => {
                return show::report(&host, &incident, hours, output).await.map(|()| ExitCode::SUCCESS);
            }
            Self::Announce { incident, title, words } => {
                return announce::run(&host, &incident, &title, &words, output).await.map(|()| ExitCode::SUCCESS);
            }
            Self::Note { incident, text } => (incident, "note", json!({ "text": text })),
            Self::Told { incident, who, to, tenant, at } => {
                let at = at.map(|at| at.to_string());
                (incident, "told", json!({ "who": who, "to": to, "tenant": tenant, "at": at }))
            }
            Self::Lift { incident, reason } => (incident, "lift", json!({ "reason": reason })),
            Self::Close { incident, cause, prevention, untold } => {
                (incident, "close", json!({ "cause": cause, "prevention": prevention, "untold": untold }))
            }
        };
        let done = Keyboard::of(&host)?.post(&format!("/incidents/{id}/{then}"), &body).await;
        let mut done = or_unknown(done, || missing(&id))?;
        let incident: Incident = given(done["incident"].take())?;
        let now = host.clock.now();
        output.result(&incident, || show::words(&incident, now).join("\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn missing(id: &IncidentId) -> String {
    ChangeError::Unknown(id.clone()).to_string()
}

/// An incident, as it is now.
async fn found(keyboard: &Keyboard, id: &IncidentId) -> Result<Incident> {
    let mut found = or_unknown(keyboard.read(&format!("/incidents/{id}")).await, || missing(id))?;
    given(found["incident"].take())
}

async fn list(host: &Host, all: bool, output: Output) -> Result<()> {
    let (now, keyboard) = (host.clock.now(), Keyboard::of(host)?);
    let listed = keyboard.all("/incidents", &[("closed", Some(all.to_string()))]).await?;
    for one in &listed {
        // A list leaves out what can be long, and what follows from it.
        let one = found(&keyboard, &given(one["incident"]["id"].clone())?).await?;
        let value = json!({ "state": one.state(), "incident": one });
        output.item(&value, || show::line(&one, now))?;
    }
    if listed.is_empty() && !output.json {
        crate::output::line("No incident is open.")?;
    }
    Ok(())
}
