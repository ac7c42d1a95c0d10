//! `portcullis source`

use anyhow::{Result, bail};
use clap::{Subcommand, ValueEnum};
use portcullis_model::{
    audit::Kind,
    event::EventForm,
    id::{SourceName, TenantId},
    secret::Secret,
    source::{Source, SourceStore as _},
};
use serde_json::json;

use crate::{
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
    let mut bytes = [0u8; 32];
    host.rng.fill(&mut bytes);
    Secret::new(format!("pcs_{}", hex::encode(bytes)).into_bytes())
}

/// Registers a source with its secret.
pub async fn add(host: &Host, source: &Source, secret: &Secret) -> Result<()> {
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
    host.connections.refresh().await?;
    Ok(())
}
