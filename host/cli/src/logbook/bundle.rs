//! Entries and their proofs, put together for somebody who has no access to this host.
//!
//! Invariants: what is given away is on record first, with the digest of its manifest, in the log of each tenant whose entries may be in
//! it; nothing of it stays here; one is put together at a time; what is about an alert or an incident that whoever asks does not see is not
//! there.

use std::{collections::BTreeMap, fs::File, path::Path};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use portcullis_api::admin::v1::{
    audit::Sight,
    log::{Bundles, Chosen, LogError, Order},
};
use portcullis_audit::{Checkpoint, Log, LogKey, LogVerifier, checkpoint_file, key_change_file};
use portcullis_evidence::{BundleError, Maker, Ready, pack};
use portcullis_model::{
    alert::Alerts as _,
    audit::{
        Entry, Kind, Recorder as _,
        reader::{AuditReader, LARGEST_PAGE, Shown, Window},
    },
    incident::{ChangeError, IncidentStore as _},
};
use tokio::sync::Semaphore;

use super::{
    about::{About, read_one},
    failed,
};
use crate::{host::Host, log_proof};

/// Before the name of a directory in which one is put together.
const SCRATCH: &str = ".bundle-";

/// Puts bundles together.
pub(super) struct Binder {
    host: Host,
    alone: Semaphore,
}

impl Binder {
    /// Of this host's log.
    pub fn of(host: &Host) -> Self {
        Self { host: host.clone(), alone: Semaphore::new(1) }
    }

    /// What is put into it.
    async fn about(&self, order: &Order) -> Result<About, LogError> {
        let (host, reader) = (&self.host, order.reader.as_ref());
        match &order.chosen {
            Chosen::Filter(filter) => Ok(filter.clone().into()),
            Chosen::Incident(id, hours) => {
                let found = host.store.incident(id).await?.filter(|one| order.sight.sees(Some(&one.subject.tenant)));
                let found = found.ok_or_else(|| LogError::Unknown(ChangeError::Unknown(id.clone()).to_string()))?;
                About::incident(host, &found, *hours).await.map_err(failed)
            }
            Chosen::Alert(id, hours) => {
                let missing = || {
                    LogError::Unknown(format!(
                        "there is no alert {id}; 'portcullis alert list --closed' lists them all"
                    ))
                };
                let found = host.store.alert(*id, host.clock.now()).await?;
                let found = found.filter(|one| order.sight.sees(Some(&one.tenant))).ok_or_else(missing)?;
                About::alert(host, reader, &found, *hours).await.map_err(failed)
            }
        }
    }

    async fn bind(&self, order: &Order, about: &About) -> Result<File> {
        let words = words(order, about);
        let scratch = tempfile::Builder::new().prefix(SCRATCH).tempdir_in(self.host.home.dir())?;
        let (dir, tar) = (scratch.path().join("bundle"), scratch.path().join("bundle.tar"));
        let ready = put_together(&dir, &self.host, order.reader.as_ref(), (about, &words), order.personal).await?;
        let entry = |tenant| {
            Entry::new(self.host.clock.now(), Kind::AuditBundled, order.by.clone(), tenant)
                .with_personal("filter", &words)
                .with("entries", ready.manifest.entries)
                .with("size", ready.manifest.size)
                .with("personal", order.personal)
                .with("manifest-sha256", ready.digest.as_str())
        };
        self.host.store.record(order.tenants.iter().cloned().map(entry).collect()).await?;
        ready.publish()?;
        tokio::task::block_in_place(|| pack(&dir, &tar))?;
        // What is open can be read when its name is gone.
        Ok(File::open(&tar)?)
    }
}

#[async_trait]
impl Bundles for Binder {
    async fn bundle(&self, order: Order) -> Result<File, LogError> {
        let Ok(_alone) = self.alone.try_acquire() else {
            return Err(LogError::Conflict(
                "another bundle is being put together; ask again when that is done".to_owned(),
            ));
        };
        let about = self.about(&order).await?;
        self.bind(&order, &about).await.map_err(too_much)
    }
}

/// What it is of, as its manifest says it.
fn words(order: &Order, about: &About) -> String {
    match &order.chosen {
        // The filters of an incident name what it reaches, whose ever that is.
        Chosen::Incident(id, hours) if order.sight != Sight::Everything => {
            format!("what is about incident {id}, from {hours} hours before it was opened")
        }
        _ => about.words(),
    }
}

/// Where more was selected than a bundle has room for, whoever asks can do something about it.
fn too_much(error: anyhow::Error) -> LogError {
    match error.downcast_ref::<BundleError>() {
        Some(wrong) if wrong.what.contains("narrow what is selected") => LogError::Refused(wrong.what.clone()),
        _ => failed(error),
    }
}

/// Puts these entries and their proofs into a new directory; `words`: what was asked for. `personal`: with their personal values, as far
/// as they were not erased.
pub(crate) async fn put_together(
    at: &Path,
    host: &Host,
    reader: &dyn AuditReader,
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
async fn next(reader: &dyn AuditReader, which: &About, from: u64, to: u64) -> Result<Option<(Vec<Shown>, u64)>> {
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
