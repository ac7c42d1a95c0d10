//! `portcullis status`: what the status page tells.

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use portcullis_model::{audit::plain, time::Timestamp};
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, or_unknown},
    home::Home,
    host::Host,
    output::Output,
};

/// What the status page tells: incidents and maintenance.
#[derive(Debug, Subcommand)]
pub enum StatusCommand {
    /// Tell of an incident or of maintenance, to everybody who reads the status page.
    #[command(
        after_help = "Examples:\n  portcullis status announce --kind incident --title 'Events are late' --text 'We look into it.'\n  \
        portcullis status announce --kind maintenance --title 'New disks' --since 2026-12-01T20:00:00Z --until 2026-12-01T21:00:00Z\n\n\
        Everybody can read it: name no subscriber and no person."
    )]
    Announce {
        /// What it is.
        #[arg(long)]
        kind: What,
        /// In a few words.
        #[arg(long)]
        title: String,
        /// In more.
        #[arg(long, default_value = "")]
        text: String,
        /// Since when, or from when on, as RFC 3339. Absent: now.
        #[arg(long, value_parser = moment)]
        since: Option<Timestamp>,
        /// Until when it will last.
        #[arg(long, value_parser = moment)]
        until: Option<Timestamp>,
    },
    /// Say that it is over.
    #[command(
        after_help = "Example:\n  portcullis status resolve 1a2b3c4d --text 'A disk was full. We watch that now.'"
    )]
    Resolve {
        /// What it is called: 'portcullis status list' shows it.
        id: String,
        /// What stands on the page from now on. Absent: what stands there.
        #[arg(long)]
        text: Option<String>,
    },
    /// List what is told.
    List,
}

/// What is told of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum What {
    /// Something does not work.
    Incident,
    /// Something will not work for a while.
    Maintenance,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Maintenance => "maintenance",
        }
    }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "expected a time such as 2026-12-01T20:00:00Z".to_owned())
}

impl StatusCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        let path = "/status/announcements";
        let mut told = match self {
            Self::List => {
                let all = keyboard.all(path, &[]).await?;
                return all.iter().try_for_each(|one| output.item(one, || words(one)));
            }
            Self::Announce { kind, title, text, since, until } => {
                let body = json!({ "kind": kind.name(), "title": title, "text": text, "since": since, "until": until });
                keyboard.post(path, &body).await?
            }
            Self::Resolve { id, text } => {
                let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
                let resolved = keyboard.post(&format!("{path}/{id}/resolve"), &json!({ "text": text })).await;
                or_unknown(resolved, || format!("nothing called '{id}' is open"))?
            }
        };
        let told = told["announcement"].take();
        output.result(&told, || words(&told))
    }
}

fn words(one: &Value) -> String {
    let text = |name: &str| plain(one[name].as_str().unwrap_or_default());
    let end = match (one["resolved"].as_str(), one["until"].as_str()) {
        (Some(at), _) => format!("over since {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "open".to_owned(),
    };
    let (id, kind, since) = (text("id"), text("kind"), text("since"));
    let more =
        Some(text("text")).filter(|more| !more.is_empty()).map_or_else(String::new, |more| format!("\n    {more}"));
    format!("{id}  {kind}  {}  since {since}, {end}{more}", text("title"))
}
