//! `portcullis audit bundle`

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_audit::{Checkpoint, Log, LogKey, LogVerifier, checkpoint_file, key_change_file};
use portcullis_evidence::{Maker, Ready, pack};
use portcullis_model::audit::{
    Kind, Recorder as _,
    reader::{AuditReader as _, LARGEST_PAGE, Window},
};
use portcullis_model::{alert::AlertId, audit::reader::Shown, id::IncidentId};
use serde_json::json;

use super::{
    Wanted,
    about::{About, read_one},
};
use crate::{commands::publish, host::Host, log_proof, output::Output, reading::LogReader};

/// Put entries and their proofs into a directory, or into one file.
#[derive(Debug, Args)]
pub struct Bundle {
    /// What is put into it.
    #[command(flatten)]
    pub wanted: Wanted,
    /// The directory, which must not be there yet; or one file, where its name ends with .tar.
    #[arg(long, value_name = "DIR|FILE.tar")]
    pub out: PathBuf,
    /// What is about this incident: entries of what it reaches, and its own.
    #[arg(long, conflicts_with = "filter", group = "about")]
    pub incident: Option<IncidentId>,
    /// What is about this alert: the entries that it was raised for, what its subject did around them, and its own.
    #[arg(long, conflicts_with = "filter", group = "about")]
    pub alert: Option<AlertId>,
    /// With --incident: from so many hours before it was opened. With --alert: so many hours before and after.
    #[arg(long, default_value_t = 24, requires = "about")]
    pub hours: u64,
    /// Show personal values, as far as they were not erased. Without it, only their commitments are in it.
    #[arg(long)]
    pub personal: bool,
}

impl Bundle {
    pub(super) async fn run(self, host: &Host, reader: &LogReader, output: Output) -> Result<()> {
        let about = self.about(host, reader).await?;
        let words = about.words();
        let (out, dir) = (&self.out, self.directory());
        if let Some(there) = [out, &dir].into_iter().find(|path| path.exists()) {
            bail!("{} is there already; remove it, or give another name", there.display());
        }
        // What this command can publish is in it.
        publish(host).await?;
        let spinner = output.spinner("putting entries and proofs together");
        let made = put_together(&dir, host, reader, (&about, &words), self.personal).await;
        spinner.finish_and_clear();
        let ready = match made {
            Ok(ready) => ready,
            Err(error) => {
                // It has no manifest, so it is no bundle; nobody should come across it.
                let _ = fs::remove_dir_all(&dir);
                return Err(error);
            }
        };
        let (entries, digest) = (ready.manifest.entries, ready.digest.clone());
        let entry = host
            .entry(Kind::AuditBundled, None)
            .with_personal("filter", &words)
            .with("entries", entries)
            .with("size", ready.manifest.size)
            .with("personal", self.personal)
            .with("manifest-sha256", digest.as_str());
        host.store.record(vec![entry]).await?;
        let manifest = ready.publish()?;
        if dir != *out {
            let packed = tokio::task::block_in_place(|| pack(&dir, out));
            packed.with_context(|| format!("the bundle is whole as the directory {}", dir.display()))?;
            fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
        publish(host).await?;
        let at = if dir == *out { "directory" } else { "file" };
        let value = json!({ at: out, "manifest-sha256": digest, "manifest": manifest });
        output.result(&value, || {
            let gone = match manifest.left_out.len() {
                0 => String::new(),
                n => format!(" {n} more were disposed of, and are not in it."),
            };
            format!("{entries} entries and their proofs are in {}.{gone}\nIts manifest: {digest}", out.display())
        })
    }

    /// Where it is put together: what is asked for, or a directory beside the file that is.
    fn directory(&self) -> PathBuf {
        match self.out.extension().is_some_and(|end| end == "tar") {
            true => self.out.with_extension("tar.partial"),
            false => self.out.clone(),
        }
    }

    /// What is put into it.
    async fn about(&self, host: &Host, reader: &LogReader) -> Result<About> {
        match (&self.incident, self.alert) {
            (Some(id), _) => About::incident(host, id, self.hours).await,
            (None, Some(id)) => About::alert(host, reader, id, self.hours).await,
            (None, None) => Ok(self.wanted.read()?.into()),
        }
    }
}

/// Puts these entries and their proofs into a new directory; `words`: what was asked for. `personal`: with their personal values, as far
/// as they were not erased.
pub(crate) async fn put_together(
    at: &Path,
    host: &Host,
    reader: &LogReader,
    (which, words): (&About, &str),
    personal: bool,
) -> Result<Ready> {
    let dir = host.home.log();
    let key = LogVerifier::parse(&log_proof::vkey(&host.home)?)?;
    let signer = LogKey::read(&host.home.log_key())?;
    if signer.verifier() != key {
        bail!("the log's key is being replaced; try again when 'portcullis audit key rotate' has ended");
    }
    let log = Log::open(&dir, &key)?;
    let about = (words, host.clock.now(), personal);
    let mut maker = Maker::create(at, &key, log.head(), about)?;
    let to = log.head().size();
    let mut from = 0;
    while let Some(found) = next(reader, which, from, to).await? {
        for shown in &found.0 {
            if shown.disposed.is_some() {
                maker.leave_out(shown.index, shown.disposed)?;
                continue;
            }
            let proof = log_proof::of_entry_in(&log, &key, &host.store, shown.index).await?;
            maker.put(shown, &proof)?;
        }
        from = found.1;
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

/// The next of these entries, each once and in order, and where to go on from; none at the end.
async fn next(reader: &LogReader, which: &About, from: u64, to: u64) -> Result<Option<(Vec<Shown>, u64)>> {
    if from >= to {
        return Ok(None);
    }
    let (mut found, mut upto) = (BTreeMap::new(), to);
    for filter in &which.filters {
        let window = Window { from, to, backwards: false, most: LARGEST_PAGE };
        let page = reader.search(filter, window).await?;
        upto = upto.min(page.next.unwrap_or(to));
        found.extend(page.entries.into_iter().map(|shown| (shown.index, shown)));
    }
    for index in which.entries.range(from..upto) {
        found.extend(read_one(reader, *index).await?.map(|shown| (shown.index, shown)));
    }
    // Beyond that not every filter has been looked through.
    Ok(Some((found.into_values().filter(|shown| shown.index < upto).collect(), upto)))
}
