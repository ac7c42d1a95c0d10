//! `portcullis events`

mod deliveries;

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use portcullis_broker::{hmac::zendesk_signature, loopback::Loopback};
use portcullis_model::{event::EventForm, id::SourceName, secret::Secret, source::SourceStore as _, time::Clock};
use serde_json::json;

use crate::{home::Home, host::Host, output::Output};

/// Send events, and see what became of them.
#[derive(Debug, Subcommand)]
pub enum Events {
    /// Send Zendesk-format events to the running host on this machine, signed as Zendesk would.
    #[command(after_help = "Example:\n  portcullis events send tests/events/zendesk.ndjson --source acme")]
    Send {
        /// A file with one event a line.
        file: PathBuf,
        /// The source to send as; its stored secret signs.
        #[arg(long)]
        source: SourceName,
        /// The host's listener; a loopback address. Where the configuration says, if not given.
        #[arg(long, value_name = "ADDRESS:PORT")]
        to: Option<SocketAddr>,
    },
    /// List the newest deliveries and what became of them.
    #[command(after_help = "Example:\n  portcullis events list -n 100")]
    List {
        /// How many.
        #[arg(short = 'n', long, default_value_t = 50)]
        lines: usize,
    },
    /// Have a delivery that was put aside tried again: it waits for its turn, and its tries are counted anew.
    #[command(after_help = "Examples:\n  portcullis events retry 42 --dry-run\n  portcullis events retry 42")]
    Retry {
        /// The delivery's number, as 'portcullis events list' has it.
        delivery: u64,
        /// Only say whether it could be.
        #[arg(long)]
        dry_run: bool,
    },
}

impl Events {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        match self {
            Self::Send { file, source, to } => send_file(&host, output, &file, &source, to).await,
            Self::List { lines } => deliveries::list(&host, output, lines).await,
            Self::Retry { delivery, dry_run } => deliveries::retry(&host, output, delivery, dry_run).await,
        }
    }
}

async fn send_file(
    host: &Host,
    output: Output,
    file: &PathBuf,
    name: &SourceName,
    to: Option<SocketAddr>,
) -> Result<()> {
    let sources = host.store.sources().await?;
    let Some(source) = sources.into_iter().find(|s| s.name == *name) else {
        bail!("there is no source '{name}'; see 'portcullis source list'");
    };
    if source.form != EventForm::Zendesk {
        bail!("'{name}' does not send Zendesk's format");
    }
    let secret = host.connections.inbound(&source.tenant, &source.secret_name()).context("the source has no secret")?;
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let events: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let sender = Loopback::new(to.unwrap_or(host.config.listen.address))?;
    let bar = output.bar(events.len() as u64, "sending");
    let (mut accepted, mut refused) = (0u64, 0u64);
    for event in &events {
        let (status, answer) = send(&sender, host.clock.as_ref(), name, &secret, event).await?;
        if status == 202 {
            accepted += 1;
        } else {
            refused += 1;
            eprintln!("{status}: {}", String::from_utf8_lossy(&answer));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    output.result(&json!({ "accepted": accepted, "refused": refused }), || {
        format!("{accepted} accepted, {refused} refused")
    })
}

/// Sends one event, signed as Zendesk signs.
pub async fn send(
    to: &Loopback,
    clock: &dyn Clock,
    source: &SourceName,
    secret: &Secret,
    event: &str,
) -> Result<(u16, Vec<u8>)> {
    let sent = clock.now().to_string();
    let signature = zendesk_signature(secret, &sent, event.as_bytes());
    let headers = [
        ("content-type", "application/json"),
        ("x-zendesk-webhook-signature", signature.as_str()),
        ("x-zendesk-webhook-signature-timestamp", sent.as_str()),
    ];
    Ok(to.post(&format!("/v1/hooks/zendesk/{source}"), &headers, event.as_bytes().to_vec()).await?)
}
