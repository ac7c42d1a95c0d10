//! `portcullis plugin receipt`: the log's own proof that an installation was erased.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::{home::Home, host::Host, log_proof, output::Output};

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

impl Receipt {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let Some(stored) = host.store.entry_of_erasure(&installation.id).await? else {
            bail!(
                "{} is not erased; 'portcullis plugin uninstall' does that, after a time of grace or with --now",
                installation.id
            );
        };
        super::super::publish(&host).await?;
        let proof = log_proof::of_entry(&host.home, &host.store, stored.index).await?;
        let entry = stored.read()?;
        let value = json!({ "index": stored.index, "proof": proof, "erased": entry.detail });
        output.result(&value, || {
            let counts: Vec<String> = entry.detail.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            format!(
                "Erased at {}: {} of tenant {}\n{}\n\nEntry {} of the log, byte for byte:\n{}\n\nIts leaf:\n{}\n\nProof of the \
                 leaf, for the key {}:\n{}",
                entry.time,
                installation.id,
                installation.tenant,
                counts.join("\n"),
                stored.index,
                proof.entry,
                proof.leaf.as_deref().unwrap_or("(the log has the entry itself)"),
                proof.key,
                proof.proof
            )
        })
    }
}
