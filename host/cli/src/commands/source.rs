//! `portcullis source`

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Subcommand, ValueEnum};
use portcullis_model::{
    audit::Kind,
    event::EventForm,
    id::{SourceName, TenantId},
    rotation::{LONGEST_OVERLAP, RotationStore as _, SourceKeys},
    scope::parse_seconds,
    secret::Secret,
    source::{Source, SourceStore as _},
};
use serde_json::json;

use crate::{
    home::Home,
    host::{Host, person, secret_from_stdin},
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
    /// List the sources.
    #[command(after_help = "Example:\n  portcullis source list")]
    List,
}

impl SourceCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        match self {
            Self::Add { name, kind, tenant, secret_stdin } => {
                let form = match kind {
                    SourceKind::Zendesk => EventForm::Zendesk,
                    SourceKind::Github => EventForm::Github,
                    SourceKind::Cloudevents => EventForm::CloudEvents,
                };
                let source = Source { name, tenant, form };
                let secret = if secret_stdin { secret_from_stdin()? } else { fresh(&host) };
                add(&host, &source, &secret).await?;
                super::publish(&host).await?;
                let made = (!secret_stdin).then(|| String::from_utf8_lossy(secret.expose()).into_owned());
                output.result(&json!({ "source": source, "secret": made }), || match &made {
                    Some(secret) => {
                        format!("Source '{}' is registered. Its secret, shown this once:\n  {secret}", source.name)
                    }
                    None => format!("Source '{}' is registered.", source.name),
                })
            }
            Self::Rotate { name, overlap, secret_stdin } => rotate(&host, &name, overlap, secret_stdin, output).await,
            Self::List => {
                for source in host.store.sources().await? {
                    output.item(&source, || format!("{:24} {:12} {:?}", source.name, source.tenant, source.form))?;
                }
                Ok(())
            }
        }
    }
}

fn fresh(host: &Host) -> Secret {
    crate::rotation::sources(host, person()).fresh()
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

async fn rotate(
    host: &Host,
    name: &SourceName,
    overlap: Option<Duration>,
    secret_stdin: bool,
    output: Output,
) -> Result<()> {
    let source = host.store.sources().await?.into_iter().find(|one| one.name == *name);
    let source = source.with_context(|| format!("there is no source '{name}'; see 'portcullis source list'"))?;
    let overlap = match overlap {
        Some(overlap) => overlap,
        None => crate::rotation::overlap_of(host, Some(&source.tenant)).await?,
    };
    let secret = if secret_stdin { secret_from_stdin()? } else { fresh(host) };
    let until = crate::rotation::sources(host, person()).rotate(&source, &secret, overlap).await?;
    super::publish(host).await?;
    let made = (!secret_stdin).then(|| String::from_utf8_lossy(secret.expose()).into_owned());
    let value = json!({ "source": source.name, "secret": made, "both-until": until });
    output.result(&value, || {
        let old = until.map_or_else(
            || "The old secret is not accepted any more.".to_owned(),
            |until| format!("The old secret is accepted as well until {until}."),
        );
        match &made {
            Some(secret) => format!("{old} The new secret of '{name}', shown this once:\n  {secret}"),
            None => format!("{old} The new secret of '{name}' is in use within a second."),
        }
    })
}

/// Registers a source with its secret.
pub async fn add(host: &Host, source: &Source, secret: &Secret) -> Result<()> {
    if source.name.as_str() == portcullis_model::privacy::ORIGIN {
        bail!("'{}' is the name under which the host itself asks plugins; take another", source.name);
    }
    let tenant = Some(source.tenant.clone());
    let entry = host
        .entry(Kind::SourceAdded, tenant.clone())
        .about(format!("source:{}", source.name))
        .with("form", json!(source.form));
    if host.store.sources().await?.iter().any(|known| known.name == source.name) {
        bail!("there is a source '{}' already", source.name);
    }
    // The secret first: a source without one would only refuse everything.
    let kept = host.entry(Kind::ConnectionAdded, tenant).about(format!("source:{}", source.name));
    host.vault().put(source.tenant.clone(), None, &source.secret_name(), "{}", secret, kept).await?;
    if !host.store.add_source(source.clone(), entry).await? {
        bail!("there is a source '{}' already", source.name);
    }
    let keys = SourceKeys { issued: Some(host.clock.now()), ..SourceKeys::default() };
    host.store.put_source_keys(source.name.clone(), keys, Vec::new()).await?;
    host.connections.refresh().await?;
    Ok(())
}
