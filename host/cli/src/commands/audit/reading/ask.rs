//! `portcullis audit ask`

use anyhow::Result;
use clap::{Args, Subcommand};
use portcullis_model::{
    audit::{
        ask::{Answer, Question, Span, Tokens, Whose},
        query::moment,
    },
    installation::InstallationStore as _,
    time::Timestamp,
};

use crate::{host::Host, output::Output, reading::LogReader};

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

impl When {
    fn span(&self) -> Span {
        Span { since: self.from, until: self.to }
    }
}

/// The installation that a text means; what the host does not know any more is an id as it is.
async fn installation(host: &Host, text: String) -> String {
    host.installation(&text).await.map_or(text, |one| one.id.to_string())
}

impl Acting {
    async fn whose(self, host: &Host) -> Result<Whose> {
        match (self.plugin, self.installation) {
            (Some(name), _) => {
                let all = host.store.installations().await?;
                let named = all.iter().find(|one| one.plugin.as_str().rsplit('.').next() == Some(&name));
                Ok(Whose::Plugin(named.map_or(name, |one| one.plugin.to_string())))
            }
            (None, Some(text)) => Ok(Whose::Installation(installation(host, text).await)),
            (None, None) => Ok(Whose::All),
        }
    }
}

impl Ask {
    /// The question as it goes on record, with the names that the host's HTTP interface has for its parts.
    fn words(&self) -> String {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let spanned = |span: &When| [("since", time(span.from)), ("until", time(span.to))];
        let acting = |of: &Acting| [("plugin", of.plugin.clone()), ("installation", of.installation.clone())];
        let (name, parts) = match self {
            Self::Touched { whose, span } => ("touched", [&acting(whose)[..], &spanned(span)].concat()),
            Self::Left { record, whose, span, all: _ } => {
                ("left", [&[("record", record.clone())][..], &acting(whose), &spanned(span)].concat())
            }
            Self::Granted { scope, installation } => {
                ("granted", vec![("scope", Some(scope.clone())), ("installation", Some(installation.clone()))])
            }
            Self::Token { which, span } => {
                let Which { client, family, token } = which;
                let which = [("client", client.clone()), ("family", family.clone()), ("token", token.clone())];
                ("token", [&which[..], &spanned(span)].concat())
            }
            Self::SinceReview { installation, since } => {
                ("since-review", vec![("installation", Some(installation.clone())), ("since", time(*since))])
            }
        };
        let given = parts.into_iter().filter_map(|(part, value)| value.map(|value| format!(" {part}={value}")));
        name.to_owned() + &given.collect::<String>()
    }

    pub(super) async fn run(self, host: &Host, reader: &LogReader, output: Output) -> Result<()> {
        let asked = self.words();
        let question = match self {
            Self::Touched { whose, span } => Question::Touched(whose.whose(host).await?, span.span()),
            Self::Left { record, whose, span, all: _ } => Question::Left(whose.whose(host).await?, record, span.span()),
            Self::Granted { scope, installation: of } => {
                Question::Granted { scope, installation: installation(host, of).await }
            }
            Self::Token { which, span } => {
                let tokens = match (which.client, which.family, which.token) {
                    (Some(client), ..) => Tokens::Client(client),
                    (_, Some(family), _) => Tokens::Family(family),
                    (_, _, token) => Tokens::One(token.unwrap_or_default()),
                };
                Question::Token(tokens, span.span())
            }
            Self::SinceReview { installation: of, since } => Question::SinceReview(installation(host, of).await, since),
        };
        let answer = question.answer(reader).await?;
        super::note(host, "question", &asked).await?;
        output.result(&answer, || words(&answer))
    }
}

fn words(answer: &Answer) -> String {
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
