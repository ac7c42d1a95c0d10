//! `portcullis audit bundle`

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_audit::{Checkpoint, Log, LogKey, LogVerifier, checkpoint_file, key_change_file};
use portcullis_evidence::{Maker, Ready};
use portcullis_model::audit::{
    Kind, Recorder as _,
    query::Filter,
    reader::{AuditReader as _, LARGEST_PAGE, Window},
};
use serde_json::json;

use super::Wanted;
use crate::{commands::publish, host::Host, log_proof, output::Output, reading::LogReader};

/// Put entries and their proofs into a directory.
#[derive(Debug, Args)]
pub struct Bundle {
    /// What is put into it.
    #[command(flatten)]
    pub wanted: Wanted,
    /// The directory, which must not be there yet.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Show personal values, as far as they were not erased. Without it, only their commitments are in it.
    #[arg(long)]
    pub personal: bool,
}

impl Bundle {
    pub(super) async fn run(self, host: &Host, reader: &LogReader, output: Output) -> Result<()> {
        let filter = self.wanted.read()?;
        if self.out.exists() {
            bail!("{} is there already; give a directory that is not", self.out.display());
        }
        // What this command can publish is in it.
        publish(host).await?;
        let spinner = output.spinner("putting entries and proofs together");
        let made = self.make(host, reader, &filter).await;
        spinner.finish_and_clear();
        let ready = match made {
            Ok(ready) => ready,
            Err(error) => {
                // It has no manifest, so it is no bundle; nobody should come across it.
                let _ = fs::remove_dir_all(&self.out);
                return Err(error);
            }
        };
        let (entries, digest) = (ready.manifest.entries, ready.digest.clone());
        let entry = host
            .entry(Kind::AuditBundled, None)
            .with_personal("filter", filter.to_string())
            .with("entries", entries)
            .with("size", ready.manifest.size)
            .with("personal", self.personal)
            .with("manifest-sha256", digest.as_str());
        host.store.record(vec![entry]).await?;
        let manifest = ready.publish()?;
        publish(host).await?;
        let value = json!({ "directory": self.out, "manifest-sha256": digest, "manifest": manifest });
        output.result(&value, || {
            let gone = match manifest.left_out.len() {
                0 => String::new(),
                n => format!(" {n} more were disposed of, and are not in it."),
            };
            format!("{entries} entries and their proofs are in {}.{gone}\nIts manifest: {digest}", self.out.display())
        })
    }

    async fn make(&self, host: &Host, reader: &LogReader, filter: &Filter) -> Result<Ready> {
        let dir = host.home.log();
        let key = LogVerifier::parse(&log_proof::vkey(&host.home)?)?;
        let signer = LogKey::read(&host.home.log_key())?;
        if signer.verifier() != key {
            bail!("the log's key is being replaced; try again when 'portcullis audit key rotate' has ended");
        }
        let log = Log::open(&dir, &key)?;
        let about = (filter.to_string(), host.clock.now(), self.personal);
        let mut maker = Maker::create(&self.out, &key, log.head(), (&about.0, about.1, about.2))?;
        let mut window = Window { from: 0, to: log.head().size(), backwards: false, most: LARGEST_PAGE };
        loop {
            let found = reader.search(filter, window).await?;
            for shown in &found.entries {
                if shown.disposed.is_some() {
                    maker.leave_out(shown.index, shown.disposed);
                    continue;
                }
                let proof = log_proof::of_entry_in(&log, &key, &host.store, shown.index).await?;
                maker.put(shown, &proof)?;
            }
            match found.next {
                Some(next) => window.from = next,
                None => break,
            }
        }
        let head = log.head();
        let same = |note: &Vec<u8>| Checkpoint::open(note, &key).is_ok_and(|seen| seen.size() == head.size());
        let note = checkpoint_file(&dir)?.filter(same).unwrap_or_else(|| head.note().to_vec());
        let mut changes = Vec::new();
        while let Some(change) = key_change_file(&dir, u16::try_from(changes.len()).context("too many keys")?)? {
            changes.push(change);
        }
        Ok(maker.finish(&signer, &note, &changes)?)
    }
}
