//! `portcullis audit proof` and `check-proof`: one entry, and all that shows where it stands.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use portcullis_audit::{Chain, EntryProof, Log, LogVerifier, Shown, check_consistency};
use serde_json::json;

use crate::{admin::Keyboard, home::Home, host::Host, log_proof, output::Output};

/// Prove that an entry is in the log, and in its tenant's view.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis audit proof 1042 --out entry-1042.json\n\n\
    Both proofs in it are C2SP tlog-proofs: other tools check them as well. Anybody who has the log's public key checks all of it \
    with 'portcullis audit check-proof'.")]
pub struct Proof {
    /// The entry's place in the log, as 'audit tail' prints it.
    index: u64,
    /// Write the proof to this file. Absent: print it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Proof {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        // What this command can publish is there to be proved.
        keyboard.publish().await?;
        let proof: EntryProof = keyboard.read_as(&format!("/audit/entries/{}/proof", self.index)).await?;
        let text = serde_json::to_string_pretty(&proof)?;
        match self.out {
            None => crate::output::line(&text)?,
            Some(file) => {
                fs::write(&file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
                output.result(&json!({ "index": self.index, "file": file }), || {
                    format!("The proof of entry {} is in {}.", self.index, file.display())
                })?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The most bytes of a proof's file.
const MAX_PROOF: u64 = 1 << 20;

/// Check such a proof, with nothing but the log's public key.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis audit check-proof entry-1042.json --key 'portcullis.local/1a2b3c4d+...'\n\n\
    Exit code 3 where it does not hold."
)]
pub struct CheckProof {
    /// The file.
    file: PathBuf,
    /// The log's public key, where it is not the home's.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
}

impl CheckProof {
    pub(super) fn run(self, home: &Home, output: Output) -> Result<ExitCode> {
        let (vkey, log) = match self.key {
            Some(key) => (key, None),
            None => (log_proof::vkey(home).context("give --key")?, Some(home.log())),
        };
        let key = LogVerifier::parse(&vkey)?;
        let text = read(&self.file)?;
        let checked = EntryProof::read(&text).map_err(anyhow::Error::from).and_then(|proof| {
            let shown = check(&proof, key, log.as_deref())?;
            Ok((proof, shown))
        });
        match checked {
            Ok((proof, shown)) => {
                let view = shown.view.as_ref();
                let value = json!({
                    "verified": true, "index": proof.index, "log-size": shown.log.size(), "origin": shown.log.origin(),
                    "view": proof.view.as_ref().map(|view| &view.tag), "view-size": view.map(|head| head.size()),
                    "entry": serde_json::from_str::<serde_json::Value>(&proof.entry).ok(),
                });
                output.result(&value, || {
                    let view = proof.view.as_ref().zip(view).map_or_else(String::new, |(place, head)| {
                        format!(", and entry {} of {} of view {}", place.position, head.size(), place.tag)
                    });
                    let (size, origin) = (shown.log.size(), shown.log.origin());
                    format!("It holds: entry {} of {size} of the log {origin}{view}.\n{}", proof.index, proof.entry)
                })?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                output.result(&json!({ "verified": false, "fault": format!("{error:#}") }), || {
                    format!("NOT VERIFIED: {error:#}")
                })?;
                Ok(ExitCode::from(3))
            }
        }
    }
}

/// Checks a proof with a key; where the log is there, with those before and after it too. What an older key signed must be the
/// beginning of the present log.
fn check(proof: &EntryProof, key: LogVerifier, log: Option<&Path>) -> Result<Shown> {
    let Some(dir) = log else { return Ok(proof.check(&key)?) };
    let chain = Chain::around(dir, key)?;
    let newest = chain.newest().context("a log without a key")?;
    let error = match proof.check(newest) {
        Ok(shown) => return Ok(shown),
        Err(error) => error,
    };
    let Some(shown) = chain.keys.iter().rev().skip(1).find_map(|older| proof.check(older).ok()) else {
        return Err(error.into());
    };
    let now = Log::open(dir, newest)?;
    let consistent = tokio::task::block_in_place(|| now.consistency(&shown.log))?;
    ensure!(
        check_consistency(&consistent, &shown.log, now.head()),
        "an older key of the log signed it, and it is not the beginning of the present log"
    );
    Ok(shown)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let mut text = Vec::new();
    let open = fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    open.take(MAX_PROOF + 1).read_to_end(&mut text)?;
    ensure!(text.len() as u64 <= MAX_PROOF, "{} is too long for a proof", file.display());
    Ok(text)
}
