//! `portcullis source`

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Subcommand, ValueEnum};
use portcullis_api::admin::Method;
use portcullis_model::{
    id::{SourceName, TenantId},
    rotation::LONGEST_OVERLAP,
    scope::parse_seconds,
    source::Source,
};
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, asked, given, or_unknown},
    home::Home,
    host::{Host, secret_from_stdin},
    output::Output,
};

/// What sends the events.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SourceKind {
    /// Zendesk webhooks (event subscriptions).
    Zendesk,
    /// GitHub webhooks.
    Github,
    /// Anything that sends CloudEvents 1.0 in JSON.
    Cloudevents,
}

/// Sources of events.
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// Register a source. A fresh secret is made and printed once, or read from standard input.
    #[command(
        after_help = "Examples:\n  portcullis source add acme --kind zendesk --secret-stdin < zendesk-webhook-secret\n  \
        portcullis source add billing --kind cloudevents"
    )]
    Add {
        /// Its name: the last part of its webhook's URL.
        name: SourceName,
        /// What sends the events.
        #[arg(long)]
        kind: SourceKind,
        /// Whose events they are.
        #[arg(long, default_value = "demo")]
        tenant: TenantId,
        /// Read the secret from standard input instead of making one. At least 8 bytes.
        #[arg(long)]
        secret_stdin: bool,
    },
    /// Give a source a new secret: made and printed once, or read from standard input. Both are accepted during the overlap.
    #[command(after_help = "Examples:\n  portcullis source rotate billing\n  \
        portcullis source rotate acme --overlap 2h --secret-stdin < new-zendesk-webhook-secret\n\n\
        Give the new secret to whoever sends, within the overlap. A source whose secret was revoked has no overlap: the new one\n\
        is the only one at once.")]
    Rotate {
        /// The source.
        name: SourceName,
        /// How long the old secret is accepted as well: a number with s, m, h or d, or 0. As policy says where it is not given.
        #[arg(long, value_parser = overlap)]
        overlap: Option<Duration>,
        /// Read the secret from standard input instead of making one. At least 8 bytes.
        #[arg(long)]
        secret_stdin: bool,
    },
    /// Take a source away, with its secrets. What it sends is refused from then on.
    #[command(after_help = "Example:\n  portcullis source remove billing")]
    Remove {
        /// The source.
        name: SourceName,
    },
    /// List the sources.
    #[command(after_help = "Example:\n  portcullis source list")]
    List,
}

impl SourceKind {
    /// As the API has it.
    fn form(self) -> &'static str {
        match self {
            Self::Zendesk => "zendesk",
            Self::Github => "github",
            Self::Cloudevents => "cloud-events",
        }
    }
}

impl SourceCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        match self {
            Self::Add { name, kind, tenant, secret_stdin } => {
                let path = asked("/sources", &[("tenant", Some(tenant.to_string()))]);
                let body = json!({ "name": name, "form": kind.form(), "secret": sent(secret_stdin)? });
                let mut made = keyboard.post(&path, &body).await?;
                let source: Source = given(made["source"].take())?;
                let secret = made["secret"].as_str();
                output.result(&json!({ "source": source, "secret": secret }), || match secret {
                    Some(secret) => {
                        format!("Source '{}' is registered. Its secret, shown this once:\n  {secret}", source.name)
                    }
                    None => format!("Source '{}' is registered.", source.name),
                })
            }
            Self::Rotate { name, overlap, secret_stdin } => {
                let body =
                    json!({ "secret": sent(secret_stdin)?, "overlap-seconds": overlap.map(|one| one.as_secs()) });
                let made = keyboard.post(&format!("/sources/{name}/secret"), &body).await;
                rotated(&name, &known(made, &name)?, output)
            }
            Self::Remove { name } => {
                let removed = keyboard.act(Method::DELETE, &format!("/sources/{name}"), None, None).await;
                known(removed, &name)?;
                output.result(&json!({ "removed": name }), || {
                    format!("Source '{name}' is gone, with its secrets. What it sends is refused.")
                })
            }
            Self::List => {
                for item in keyboard.all("/sources", &[]).await? {
                    let source: Source = given(item)?;
                    output.item(&source, || format!("{:24} {:12} {:?}", source.name, source.tenant, source.form))?;
                }
                Ok(())
            }
        }
    }
}

/// The secret that is sent; none where the host makes one.
fn sent(from_stdin: bool) -> Result<Option<String>> {
    if !from_stdin {
        return Ok(None);
    }
    let secret = secret_from_stdin()?;
    String::from_utf8(secret.expose().to_vec()).map(Some).ok().context("the secret on standard input is no text")
}

fn known(answer: Result<Value>, name: &SourceName) -> Result<Value> {
    or_unknown(answer, || format!("there is no source '{name}'; see 'portcullis source list'"))
}

fn overlap(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let seconds = parse_seconds(text).ok_or("expected a number with s, m, h or d, such as 24h, or 0 for none")?;
    match Duration::from_secs(seconds) {
        overlap if overlap <= LONGEST_OVERLAP => Ok(overlap),
        _ => Err(format!("at most {} days", LONGEST_OVERLAP.as_secs() / 86_400)),
    }
}

fn rotated(name: &SourceName, made: &Value, output: Output) -> Result<()> {
    let (until, secret) = (made["source"]["both-until"].as_str(), made["secret"].as_str());
    let value = json!({ "source": name, "secret": secret, "both-until": until });
    output.result(&value, || {
        let old = until.map_or_else(
            || "The old secret is not accepted any more.".to_owned(),
            |until| format!("The old secret is accepted as well until {until}."),
        );
        match secret {
            Some(secret) => format!("{old} The new secret of '{name}', shown this once:\n  {secret}"),
            None => format!("{old} The new secret of '{name}' is in use within a second."),
        }
    })
}
