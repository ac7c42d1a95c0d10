//! `portcullis audit`

mod dispose;
mod erase;
pub mod reading;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::Subcommand;
use portcullis_audit::{Checkpoint, LogVerifier, VerifyError, verify_entries};
use portcullis_model::id::Digest;
use portcullis_store::{SqliteStore, StoredEntry};
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
    /// Check the published log offline: every entry, every hash, the signature; and against the database where it is there.
    #[command(after_help = "Examples:\n  portcullis audit verify\n  \
        portcullis audit verify --log /evidence/log --key 'portcullis.local/1a2b3c4d+...' --at-least yesterday.checkpoint\n\n\
        Exit code 3 where anything does not hold; each damaged file is named.")]
    Verify {
        /// The log's directory, where it is not the home's.
        #[arg(long, value_name = "DIR")]
        log: Option<PathBuf>,
        /// The log's public key, where it is not the home's. Keep a copy elsewhere and give it here.
        #[arg(long, value_name = "VKEY")]
        key: Option<String>,
        /// A checkpoint kept from earlier: the log must still contain all of it.
        #[arg(long, value_name = "FILE")]
        at_least: Option<PathBuf>,
    },
    /// Erase personal values from beside the log; every proof goes on to hold.
    Erase(erase::Erase),
    /// Dispose of entries; their hashes stay, and the log goes on to hold.
    Dispose(dispose::Dispose),
}

impl Audit {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        match self {
            Self::Tail { lines, follow, kind } => tail(home, output, lines, follow, kind.as_deref()).await,
            Self::Verify { log, key, at_least } => verify(&home, output, log, key, at_least).await,
            Self::Erase(erase) => erase.run(home, output).await.map(|()| ExitCode::SUCCESS),
            Self::Dispose(dispose) => dispose.run(home, output).await.map(|()| ExitCode::SUCCESS),
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
        let of_kind = |entry: &StoredEntry| kind.is_none_or(|kind| entry.kind == kind);
        keep.extend(entries.into_iter().filter(of_kind));
        let surplus = keep.len().saturating_sub(usize::try_from(lines)?);
        keep.drain(..surplus);
        if last {
            break;
        }
    }
    for entry in &keep {
        print(output, &host.store, entry).await?;
    }
    if !follow {
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let entries = host.store.entries(next, 1_000).await?;
        next += entries.len() as u64;
        for entry in &entries {
            if kind.is_none_or(|kind| entry.kind == kind) {
                print(output, &host.store, entry).await?;
            }
        }
    }
}

async fn print(output: Output, store: &SqliteStore, stored: &StoredEntry) -> Result<()> {
    let reading = reading::read(store, stored).await?;
    output.item(&reading, || reading.words())
}

async fn verify(
    home: &Home,
    output: Output,
    log: Option<PathBuf>,
    key: Option<String>,
    at_least: Option<PathBuf>,
) -> Result<ExitCode> {
    let vkey = match key {
        Some(key) => key,
        None => {
            let file = home.log_vkey();
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}; give --key", file.display()))?
        }
    };
    let older = at_least.map(|file| -> Result<Checkpoint> {
        let note = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Checkpoint::open(&note, &LogVerifier::parse(vkey.trim())?)?)
    });
    let older = older.transpose()?;
    let with_database = log.is_none() && home.database().is_file();
    let dir = log.unwrap_or_else(|| home.log());
    let store = if with_database { Some(SqliteStore::open(&home.database())?) } else { None };
    let spinner = output.spinner("checking the log");
    let mut bodies = Vec::new();
    let checked = tokio::task::block_in_place(|| {
        verify_entries(&dir, vkey.trim(), older.as_ref(), |index, body| {
            if store.is_some() {
                bodies.push((index, Digest::of(body)));
            }
        })
    });
    spinner.finish_and_clear();
    let report = match checked {
        Ok(report) => report,
        Err(error) => return refuse(output, &error),
    };
    let (differing, unpublished) = match &store {
        Some(store) => compare(store, &bodies).await?,
        None => (Vec::new(), 0),
    };
    let verified = differing.is_empty();
    let value = json!({
        "verified": verified, "report": report, "database": { "differs-at": differing, "unpublished": unpublished },
    });
    output.result(&value, || {
        let mut words = match verified {
            true => {
                format!("The log holds: {} entries, root {}, signed by {}.", report.size, report.root, report.origin)
            }
            false => format!("NOT VERIFIED: the database differs from the published log at entries {differing:?}."),
        };
        for (kind, count) in &report.kinds {
            words.push_str(&format!("\n  {count:>8} {kind}"));
        }
        if unpublished > 0 {
            words.push_str(&format!("\n{unpublished} newer entries are in the database and not published yet."));
        }
        words
    })?;
    Ok(ExitCode::from(if verified { 0 } else { 3 }))
}

fn refuse(output: Output, error: &VerifyError) -> Result<ExitCode> {
    let faults: Vec<String> = match error.faults() {
        [] => vec![error.to_string()],
        faults => faults.iter().map(ToString::to_string).collect(),
    };
    output.result(&json!({ "verified": false, "faults": faults }), || {
        format!("NOT VERIFIED:\n  {}", faults.join("\n  "))
    })?;
    Ok(ExitCode::from(3))
}

/// Compares the published entries with the database: where they differ (the first 20), and how many are not published yet.
async fn compare(store: &SqliteStore, published: &[(u64, Digest)]) -> Result<(Vec<u64>, u64)> {
    let mut differing = Vec::new();
    for part in published.chunks(4_096) {
        let from = part.first().map_or(0, |(index, _)| *index);
        match store.entries(from, part.len()).await {
            Ok(rows) => {
                let same = |position: usize, digest: &Digest| {
                    rows.get(position).is_some_and(|row| row.disposed.is_some() || Digest::of(&row.body) == *digest)
                };
                let wrong = part.iter().enumerate().filter(|(position, (_, digest))| !same(*position, digest));
                differing.extend(wrong.map(|(_, (index, _))| *index));
            }
            // A row of this part is missing: find out which.
            Err(_) => {
                for (index, digest) in part {
                    let row = store.entries(*index, 1).await.unwrap_or_default();
                    if row.first().is_none_or(|row| row.disposed.is_none() && Digest::of(&row.body) != *digest) {
                        differing.push(*index);
                    }
                }
            }
        }
    }
    differing.truncate(20);
    let unpublished = store.entry_count().await?.saturating_sub(published.len() as u64);
    Ok((differing, unpublished))
}
