//! `portcullis audit ask`

use anyhow::Result;
use clap::{Args, Subcommand};
use portcullis_model::{audit::query::moment, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    admin::{Keyboard, asked},
    host::Host,
    output::Output,
};

/// Answer a question from the log.
#[derive(Debug, Subcommand)]
pub enum Ask {
    /// What did this plugin touch?
    #[command(
        after_help = "Example:\n  portcullis audit ask touched --plugin card-guard --from 2026-11-01 --to 2026-12-01"
    )]
    Touched {
        /// Whose acts.
        #[command(flatten)]
        whose: Acting,
        /// When.
        #[command(flatten)]
        span: When,
    },
    /// Which records left for which host: what a call read before it sent something.
    #[command(after_help = "Examples:\n  portcullis audit ask left --record ticket:1042\n  \
        portcullis audit ask left --all --plugin chat-notifier --from 2026-11-01")]
    Left {
        /// This record alone, such as ticket:1042.
        #[arg(long, required_unless_present = "all", conflicts_with = "all")]
        record: Option<String>,
        /// Every record.
        #[arg(long)]
        all: bool,
        /// Whose acts.
        #[command(flatten)]
        whose: Acting,
        /// When.
        #[command(flatten)]
        span: When,
    },
    /// Who granted this scope, and when was it last used?
    #[command(
        after_help = "Example:\n  portcullis audit ask granted --scope tickets:read --installation chat-notifier"
    )]
    Granted {
        /// The scope: its whole text, or its name.
        #[arg(long)]
        scope: String,
        /// The installation: its id, or the plugin's name.
        #[arg(long)]
        installation: String,
    },
    /// What did this token do, or all of a client's, or all that came from one grant?
    #[command(
        after_help = "Examples:\n  portcullis audit ask token --client client_1f...\n  portcullis audit ask token --family grt_0c..."
    )]
    Token {
        /// Which tokens.
        #[command(flatten)]
        which: Which,
        /// When.
        #[command(flatten)]
        span: When,
    },
    /// What has changed for this installation since its release was last reviewed?
    #[command(after_help = "Example:\n  portcullis audit ask since-review --installation card-guard")]
    SinceReview {
        /// The installation: its id, or the plugin's name.
        #[arg(long)]
        installation: String,
        /// Since this time instead.
        #[arg(long, value_parser = time)]
        since: Option<Timestamp>,
    },
}

/// Whose acts. Nothing: everybody's.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Acting {
    /// A plugin, in all its installations: its id, or the last part of it.
    #[arg(long)]
    pub plugin: Option<String>,
    /// One installation: its id, or the plugin's name.
    #[arg(long)]
    pub installation: Option<String>,
}

/// A span of time.
#[derive(Debug, Args)]
pub struct When {
    /// From this time on, such as 2026-11-01 or 2026-11-01T09:30:00Z.
    #[arg(long, value_parser = time, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// To before this time.
    #[arg(long, value_parser = time, value_name = "TIME")]
    pub to: Option<Timestamp>,
}

/// Which tokens.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// All of a client's.
    #[arg(long)]
    pub client: Option<String>,
    /// All that came from one grant.
    #[arg(long)]
    pub family: Option<String>,
    /// One, as the log calls it: 'tok:' and digits.
    #[arg(long)]
    pub token: Option<String>,
}

fn time(text: &str) -> Result<Timestamp, String> {
    moment(text).ok_or_else(|| "expected a time such as 2026-11-01T09:30:00Z, or a day such as 2026-11-01".into())
}

/// What is asked: which question, and its parameters.
type Asked = (&'static str, Vec<(&'static str, Option<String>)>);

/// What was answered.
#[derive(Deserialize, Serialize)]
struct Known {
    findings: Vec<Finding>,
    notes: Vec<String>,
    complete: bool,
    looked_at: u64,
}

/// One thing that was found.
#[derive(Deserialize, Serialize)]
struct Finding {
    what: String,
    facts: Value,
    first: Timestamp,
    last: Timestamp,
    count: u64,
    entries: Vec<u64>,
}

impl When {
    fn query(&self) -> [(&'static str, Option<String>); 2] {
        [("since", self.from.map(|at| at.to_string())), ("until", self.to.map(|at| at.to_string()))]
    }
}

/// The installation that a text means; what the host does not know any more is an id as it is.
async fn installation(host: &Host, text: String) -> String {
    host.installation(&text).await.map_or(text, |one| one.id.to_string())
}

impl Acting {
    async fn query(self, host: &Host, keyboard: &Keyboard) -> Result<[(&'static str, Option<String>); 2]> {
        let plugin = match self.plugin {
            Some(name) => Some(plugin(keyboard, name).await?),
            None => None,
        };
        let installation = match self.installation {
            Some(text) => Some(installation(host, text).await),
            None => None,
        };
        Ok([("plugin", plugin), ("installation", installation)])
    }
}

/// The plugin whose id this is, or the last part of it.
async fn plugin(keyboard: &Keyboard, name: String) -> Result<String> {
    let all = keyboard.installations().await?;
    let named = all.iter().find(|(one, _)| one.plugin.as_str().rsplit('.').next() == Some(&name));
    Ok(named.map_or(name, |(one, _)| one.plugin.to_string()))
}

impl Ask {
    async fn asked(self, host: &Host, keyboard: &Keyboard) -> Result<Asked> {
        Ok(match self {
            Self::Touched { whose, span } => ("touched", [whose.query(host, keyboard).await?, span.query()].concat()),
            Self::Left { record, whose, span, all: _ } => {
                let record = [("record", record)];
                ("left", [&record[..], &whose.query(host, keyboard).await?, &span.query()].concat())
            }
            Self::Granted { scope, installation: of } => {
                ("granted", vec![("scope", Some(scope)), ("installation", Some(installation(host, of).await))])
            }
            Self::Token { which: Which { client, family, token }, span } => {
                let which = [("client", client), ("family", family), ("token", token)];
                ("token", [&which[..], &span.query()].concat())
            }
            Self::SinceReview { installation: of, since } => {
                let of = Some(installation(host, of).await);
                ("since-review", vec![("installation", of), ("since", since.map(|at| at.to_string()))])
            }
        })
    }

    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(host)?;
        let (question, parameters) = self.asked(host, &keyboard).await?;
        let known: Known = keyboard.read_as(&asked(&format!("/audit/questions/{question}"), &parameters)).await?;
        output.result(&known, || words(&known))
    }
}

fn words(answer: &Known) -> String {
    let mut lines = Vec::new();
    for finding in &answer.findings {
        let when = match finding.first == finding.last {
            true => finding.first.to_string(),
            false => format!("{} to {}", finding.first, finding.last),
        };
        let entries: Vec<String> = finding.entries.iter().map(ToString::to_string).collect();
        let more = if finding.count > finding.entries.len() as u64 { ", ..." } else { "" };
        lines.push(format!("{}\n    {when}; entries {}{more}", finding.what, entries.join(", ")));
    }
    if lines.is_empty() {
        lines.push("The log has nothing of that.".into());
    }
    lines.extend(answer.notes.iter().cloned());
    lines.push(format!("{} entries were looked at.", answer.looked_at));
    lines.join("\n")
}
