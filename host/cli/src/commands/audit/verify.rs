//! `portcullis audit verify`: the published log, offline; the database against it; and who cosigned it.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Args;
use portcullis_audit::{Chain, Checkpoint, Cosigned, Log, LogVerifier, VerifyError, WitnessKey, verify as verify_log};
use portcullis_evidence::verify_bundle;
use portcullis_model::audit::plain;
use portcullis_store::SqliteStore;
use serde_json::json;

use super::bodies::{self, Compared};
use crate::{home::Home, log_proof, output::Output};

/// Check the published log offline: every hash, the signature, each view's heads; and against the database where it is there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis audit verify\n  portcullis audit verify --view acme\n  \
    portcullis audit verify --log /evidence/log --key 'portcullis.local/1a2b3c4d+...' --at-least yesterday.checkpoint\n  \
    portcullis audit verify --witness 'w.example/1+2b3c4d5e+BB...' --quorum 1\n  \
    portcullis audit verify --bundle week --key 'portcullis.local/1a2b3c4d+...'\n\n\
    Exit code 3 where anything does not hold; each damaged file, row or opening is named.")]
pub struct Verify {
    /// The log's directory, where it is not the home's.
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// An evidence bundle, a directory or a tar, in place of a log. Give --key: the key in the bundle itself shows nothing.
    #[arg(long, value_name = "DIR|FILE.tar", conflicts_with_all = ["log", "at_least", "view", "witness"])]
    bundle: Option<PathBuf>,
    /// The log's public key, where it is not the home's: the newest, or an older one that leads to it. Keep a copy elsewhere and
    /// give it here.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// A checkpoint kept from earlier: the log must still contain all of it.
    #[arg(long, value_name = "FILE")]
    at_least: Option<PathBuf>,
    /// Compare with the database only what is in this tenant's view; '-' for the host's own entries.
    #[arg(long, value_name = "TENANT", conflicts_with = "log")]
    view: Option<String>,
    /// A witness's public key. More than one where there are more.
    #[arg(long, value_name = "VKEY")]
    witness: Vec<String>,
    /// How many of these witnesses must have cosigned; all of them where it is not said.
    #[arg(long, value_name = "N", requires = "witness")]
    quorum: Option<usize>,
}

impl Verify {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let vkey = match &self.key {
            Some(key) => key.trim().to_owned(),
            None => log_proof::vkey(&home).context("give --key")?,
        };
        if let Some(dir) = &self.bundle {
            return bundle(dir, &vkey, output);
        }
        let witnesses = self.witness.iter().map(|vkey| WitnessKey::parse(vkey)).collect::<Result<Vec<_>, _>>()?;
        let with_database = self.log.is_none() && home.database().is_file();
        let dir = self.log.clone().unwrap_or_else(|| home.log());
        let spinner = output.spinner("checking the log");
        let checked = tokio::task::block_in_place(|| -> Result<_> {
            let older = match &self.at_least {
                Some(file) => Some(kept(file, &dir, &vkey)?),
                None => None,
            };
            Ok(verify_log(&dir, &vkey, older.as_ref()))
        })?;
        let report = match checked {
            Ok(report) => report,
            Err(error) => {
                spinner.finish_and_clear();
                return refuse(output, &error);
            }
        };
        let chain = Chain::around(&dir, LogVerifier::parse(&vkey)?)?;
        let newest = chain.newest().context("a log without a key")?;
        let cosigned = match witnesses.is_empty() {
            true => None,
            false => Some(cosigned(&dir, &chain, &witnesses, self.quorum)),
        };
        let compared = match with_database {
            true => {
                let store = SqliteStore::open(&home.database())?;
                let only = match &self.view {
                    Some(name) => Some(log_proof::named(&store, name).await?.tag),
                    None => None,
                };
                bodies::compare(&store, &Log::open(&dir, newest)?, newest, only.as_deref()).await?
            }
            false => Compared::default(),
        };
        spinner.finish_and_clear();
        let verified = compared.faults.is_empty() && !matches!(cosigned, Some(Err(_)));
        let value = json!({
            "verified": verified, "report": report, "database": compared,
            "cosigned": cosigned.as_ref().map(|cosigned| match cosigned {
                Ok(seen) => json!(seen),
                Err(fault) => json!({ "fault": fault }),
            }),
        });
        output.result(&value, || {
            let mut words = match verified {
                true => format!(
                    "The log holds: {} entries in {} views, root {}, signed by {}.",
                    report.size, report.views, report.root, report.origin
                ),
                false => "NOT VERIFIED:".to_owned(),
            };
            compared.faults.iter().for_each(|fault| words.push_str(&format!("\n  {fault}")));
            match &cosigned {
                Some(Ok(seen)) => words.push_str(&format!("\nCosigned at {} entries by {}.", seen.size, seen.by())),
                Some(Err(error)) => words.push_str(&format!("\n  {error}")),
                None => {}
            }
            compared.append_to(&mut words);
            words
        })?;
        Ok(ExitCode::from(if verified { 0 } else { 3 }))
    }
}

/// An evidence bundle, with this key or one that followed it.
fn bundle(dir: &std::path::Path, vkey: &str, output: Output) -> Result<ExitCode> {
    let key = LogVerifier::parse(vkey)?;
    match tokio::task::block_in_place(|| verify_bundle(dir, &key)) {
        Ok(found) => {
            let manifest = &found.manifest;
            let value =
                json!({ "verified": true, "manifest": manifest, "manifest-sha256": found.digest, "key": found.key });
            output.result(&value, || {
                format!(
                    "The bundle holds: {} entries of the log {} at {} entries, root {}.\nSelected: {}\n\
                     Left out, as they were disposed of: {}\nThe log's audit.bundled entry must name its manifest as {}.",
                    manifest.entries,
                    plain(&manifest.origin),
                    manifest.size,
                    plain(&manifest.root),
                    if manifest.filter.is_empty() { "everything".to_owned() } else { plain(&manifest.filter) },
                    manifest.left_out.len(),
                    found.digest,
                )
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let fault = json!({ "verified": false, "file": error.file, "faults": [error.to_string()] });
            output.result(&fault, || format!("NOT VERIFIED:\n  {}", plain(&error.to_string())))?;
            Ok(ExitCode::from(3))
        }
    }
}

/// A checkpoint that was kept, signed by any of the log's keys.
fn kept(file: &std::path::Path, dir: &std::path::Path, vkey: &str) -> Result<Checkpoint> {
    let note = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let key = LogVerifier::parse(vkey)?;
    let keys = Chain::around(dir, key.clone()).map_or_else(|_| vec![key], |chain| chain.keys);
    Checkpoint::open_any(&note, &keys).with_context(|| format!("{}", file.display()))
}

/// What the witnesses have cosigned of this log, as it lies beside it.
fn cosigned(
    dir: &std::path::Path,
    chain: &Chain,
    witnesses: &[WitnessKey],
    quorum: Option<usize>,
) -> Result<Cosigned, String> {
    let needed = quorum.unwrap_or(witnesses.len());
    tokio::task::block_in_place(|| Cosigned::read(dir, &chain.keys, witnesses, needed))
        .map_err(|error| error.to_string())
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
