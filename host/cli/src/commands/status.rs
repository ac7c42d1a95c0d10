//! `portcullis status`: what the status page tells.

use anyhow::{Context, Result, bail};
use clap::{Subcommand, ValueEnum};
use portcullis_model::{
    audit::{Kind, plain},
    time::Timestamp,
};
use portcullis_store::StatusAnnouncement;
use serde_json::{Value, json};

use crate::{home::Home, host::Host, ops, output::Output};

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
        let host = Host::open(home).await?;
        let now = host.clock.now();
        let told = match self {
            Self::List => return list(&host, output).await,
            Self::Announce { kind, title, text, since, until } => {
                let since = since.unwrap_or(now);
                if until.is_some_and(|until| until <= since) {
                    bail!("--until is not after --since");
                }
                let mut id = [0u8; 4];
                host.rng.fill(&mut id);
                let body = json!({ "title": plain(&title), "text": plain(&text) }).to_string();
                let (id, kind) = (hex::encode(id), kind.name().to_owned());
                StatusAnnouncement { id, kind, since, until, resolved: None, body }
            }
            Self::Resolve { id, text } => {
                let all = host.store.announcements(now).await?;
                let known = all.into_iter().find(|one| one.id == id && one.resolved.is_none());
                let mut known = known.with_context(|| format!("nothing called '{}' is open", plain(&id)))?;
                if let Some(text) = text {
                    let mut body: Value = serde_json::from_str(&known.body)?;
                    body["text"] = json!(plain(&text));
                    known.body = body.to_string();
                }
                known.resolved = Some(now);
                known
            }
        };
        let body: Value = serde_json::from_str(&told.body)?;
        let mut entry =
            host.entry(Kind::StatusAnnounced, None).with("id", told.id.clone()).with("kind", told.kind.clone());
        for name in ["title", "text"] {
            entry = entry.with(name, body[name].as_str().unwrap_or_default());
        }
        entry = entry.with("since", told.since.to_string()).with("over", told.resolved.is_some());
        host.store.announce_status(told.clone(), entry).await?;
        super::publish(&host).await?;
        output.result(&value(&told), || words(&told))
    }
}

async fn list(host: &Host, output: Output) -> Result<()> {
    let from = Timestamp(host.clock.now().0 - i64::try_from(ops::SHOWN.as_millis()).unwrap_or(i64::MAX));
    for one in host.store.announcements(from).await? {
        output.item(&value(&one), || words(&one))?;
    }
    Ok(())
}

fn value(one: &StatusAnnouncement) -> Value {
    let body: Value = serde_json::from_str(&one.body).unwrap_or_default();
    json!({
        "id": one.id, "kind": one.kind, "title": body["title"], "text": body["text"],
        "since": one.since, "until": one.until, "resolved": one.resolved,
    })
}

fn words(one: &StatusAnnouncement) -> String {
    let value = value(one);
    let end = match (one.resolved, one.until) {
        (Some(at), _) => format!("over since {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "open".to_owned(),
    };
    let text = |name: &str| plain(value[name].as_str().unwrap_or_default());
    format!("{}  {}  {}  since {}, {end}\n    {}", one.id, one.kind, text("title"), one.since, text("text"))
}
