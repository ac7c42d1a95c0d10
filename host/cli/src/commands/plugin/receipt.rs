//! `portcullis plugin receipt`: the log's own proof that an installation was erased.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use portcullis_audit::EntryProof;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{admin::Keyboard, home::Home, host::Host, output::Output};

/// Print the receipt of an erasure: what was erased, and the proof that the log says so.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis plugin receipt ins_0123456789abcdef --json | jq .proof > erased.json\n  \
    portcullis audit check-proof erased.json\n\n\
    The proofs in it are C2SP tlog-proofs: with the log's public key, anybody can check them without this host."
)]
pub struct Receipt {
    /// The installation's id.
    pub installation: String,
}

/// What the log has of it.
#[derive(Deserialize)]
struct Receipted {
    time: String,
    index: u64,
    erased: BTreeMap<String, Value>,
    proof: EntryProof,
}

impl Receipt {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let keyboard = Keyboard::of(&host)?;
        // What is proved is the published log.
        keyboard.publish().await?;
        let found: Receipted = keyboard.read_as(&format!("/installations/{}/receipt", installation.id)).await?;
        keyboard.publish().await?;
        let Receipted { time, index, erased, proof } = found;
        let value = json!({ "index": index, "proof": proof, "erased": erased });
        output.result(&value, || {
            let counts: Vec<String> = erased.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            format!(
                "Erased at {time}: {} of tenant {}\n{}\n\nEntry {index} of the log, byte for byte:\n{}\n\nIts leaf:\n{}\n\nProof of the \
                 leaf, for the key {}:\n{}",
                installation.id,
                installation.tenant,
                counts.join("\n"),
                proof.entry,
                proof.leaf.as_deref().unwrap_or("(the log has the entry itself)"),
                proof.key,
                proof.proof
            )
        })
    }
}
