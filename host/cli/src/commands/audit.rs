//! `portcullis audit`

mod bodies;
mod key;
mod proof;
mod verify;
mod view;
mod witness;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::Subcommand;
use portcullis_model::audit::{Actor, Entry};
use portcullis_store::StoredEntry;
use serde_json::json;

use crate::{home::Home, host::Host, output::Output};

/// Read and check the audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Print the newest entries.
    #[command(
        after_help = "Examples:\n  portcullis audit tail -n 50\n  portcullis audit tail --follow --kind act.denied --json"
    )]
    Tail {
        /// How many.
        #[arg(short = 'n', long, default_value_t = 20)]
        lines: u64,
        /// Go on printing as entries arrive.
        #[arg(short, long)]
        follow: bool,
        /// Only this kind, such as act.denied.
        #[arg(long)]
        kind: Option<String>,
    },
    /// Check the published log offline, and against the database where it is there.
    Verify(verify::Verify),
    /// Prove that an entry is in the log, and in its tenant's view.
    Proof(proof::Proof),
    /// Check such a proof, with nothing but the log's public key.
    CheckProof(proof::CheckProof),
    /// Print the newest signed head of the log, or of a tenant's view.
    Checkpoint(view::Head),
    /// Prove that the log, or a tenant's view, only grew since it had so many entries.
    Consistency(view::Consistency),
    /// List the views of the log.
    Views(view::Views),
    /// Write a tenant's view as a log directory of its own.
    Copy(view::Copy),
    /// Make the tiles of all views anew, from the published log.
    Rebuild(view::Rebuild),
    /// The key that signs the log.
    #[command(subcommand)]
    Key(key::Key),
    /// Witnesses: others who cosign the log, so that it cannot be told differently to somebody else.
    #[command(subcommand)]
    Witness(witness::Witness),
}

impl Audit {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        match self {
            Self::Tail { lines, follow, kind } => tail(home, output, lines, follow, kind.as_deref()).await,
            Self::Verify(command) => command.run(home, output).await,
            Self::Proof(command) => command.run(home, output).await,
            Self::CheckProof(command) => command.run(&home, output),
            Self::Checkpoint(command) => command.run(home, output).await,
            Self::Consistency(command) => command.run(home, output).await,
            Self::Views(command) => command.run(home, output).await,
            Self::Copy(command) => command.run(home, output).await,
            Self::Rebuild(command) => command.run(home, output).await,
            Self::Witness(command) => command.run(home, output).await,
            Self::Key(command) => command.run(home, output).await,
        }
    }
}

async fn tail(home: Home, output: Output, lines: u64, follow: bool, kind: Option<&str>) -> Result<ExitCode> {
    let host = Host::open(home).await?;
    let mut next = match kind {
        // Of one kind the newest few may lie far back: read all, keep the last.
        Some(_) => 0,
        None => host.store.entry_count().await?.saturating_sub(lines),
    };
    let mut keep: Vec<StoredEntry> = Vec::new();
    loop {
        let entries = host.store.entries(next, 1_000).await?;
        let last = entries.len() < 1_000;
        next += entries.len() as u64;
        let of_kind =
            |entry: &StoredEntry| kind.is_none_or(|kind| parse(entry).is_ok_and(|parsed| parsed.kind.name() == kind));
        keep.extend(entries.into_iter().filter(of_kind));
        let surplus = keep.len().saturating_sub(usize::try_from(lines)?);
        keep.drain(..surplus);
        if last {
            break;
        }
    }
    keep.iter().try_for_each(|entry| print(output, entry))?;
    if !follow {
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let entries = host.store.entries(next, 1_000).await?;
        next += entries.len() as u64;
        for entry in &entries {
            if kind.is_none_or(|kind| parse(entry).is_ok_and(|parsed| parsed.kind.name() == kind)) {
                print(output, entry)?;
            }
        }
    }
}

fn parse(entry: &StoredEntry) -> Result<Entry> {
    entry.read().with_context(|| format!("entry {} cannot be read", entry.index))
}

fn print(output: Output, stored: &StoredEntry) -> Result<()> {
    let entry = parse(stored)?;
    output.item(&json!({ "index": stored.index, "entry": &entry }), || {
        let actor = match &entry.actor {
            Actor::Host => "host".to_owned(),
            Actor::Person { name } => format!("person {name}"),
            Actor::Source { name } => format!("source {name}"),
            Actor::Client { client, .. } => client.to_string(),
            Actor::Plugin { plugin, .. } => plugin.to_string(),
        };
        let detail: Vec<String> = entry.detail.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let resource = entry.resource.as_deref().unwrap_or("-");
        format!("{:>7} {} {:16} {actor} {resource} {}", stored.index, entry.time, entry.kind.name(), detail.join(" "))
    })
}
