//! `portcullis plugin receipt`: the log's own proof that an installation was erased.

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_audit::{Log, LogVerifier};
use serde_json::json;

use crate::{home::Home, host::Host, output::Output};

/// Print the receipt of an erasure: what was erased, and the proof that the log says so.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin receipt ins_0123456789abcdef --json > erased.json\n\n\
    The proof is a C2SP tlog-proof: with the log's public key, anybody can check it without this host.")]
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
        let vkey = host.home.log_vkey();
        let vkey = std::fs::read_to_string(&vkey).with_context(|| format!("cannot read {}", vkey.display()))?;
        let log = Log::open(&host.home.log(), &LogVerifier::parse(vkey.trim())?)?;
        let (proof, published) = tokio::task::block_in_place(|| -> Result<(Vec<u8>, Vec<u8>)> {
            let mut published = Vec::new();
            log.entries(stored.index..stored.index + 1, |_, body| published = body.to_vec())?;
            Ok((log.proof_text(stored.index)?, published))
        })?;
        if published != stored.body {
            bail!(
                "the database's entry {} is not the one that is published; run 'portcullis audit verify'",
                stored.index
            );
        }
        let entry = stored.read()?;
        let text = String::from_utf8(stored.body).context("the entry is no text")?;
        let proof = String::from_utf8(proof).context("the proof is no text")?;
        let value =
            json!({ "index": stored.index, "entry": text, "proof": proof, "key": vkey.trim(), "erased": entry.detail });
        output.result(&value, || {
            let counts: Vec<String> = entry.detail.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            format!(
                "Erased at {}: {} of tenant {}\n{}\n\nEntry {} of the log, byte for byte:\n{text}\n\nProof, for the key {}:\n{proof}",
                entry.time,
                installation.id,
                installation.tenant,
                counts.join("\n"),
                stored.index,
                vkey.trim()
            )
        })
    }
}
