//! Entries and their proofs, put together for somebody who has no access to this host.
//!
//! Invariants: what is given away is on record first, with the digest of its manifest, in the log of each tenant whose entries may be in
//! it; nothing of it stays here, nor of what a killed host has left; of a tenant's log one is made and handed over at a time, and of them
//! all one is put together at a time; what is about an alert or an incident that whoever asks does not see is not there.

use std::{collections::BTreeMap, fs::File, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use portcullis_api::admin::{
    Parcel,
    v1::{
        audit::Sight,
        log::{Bundles, Chosen, LogError, Order},
    },
};
use portcullis_audit::{Checkpoint, EntryProof, Log, LogKey, LogVerifier, checkpoint_file, key_change_file};
use portcullis_evidence::{BundleError, Maker, Ready, pack};
use portcullis_model::{
    alert::Alerts as _,
    audit::{
        Entry, Kind, Recorder as _,
        reader::{AuditReader, LARGEST_PAGE, Shown, Window},
    },
    incident::{ChangeError, IncidentStore as _},
    time::Timestamp,
};
use tokio::sync::Semaphore;

use super::{
    about::{About, read_one},
    failed,
};
use crate::{
    home::Home,
    host::Host,
    log_proof,
    parcel::{Bench, Packed, Turns},
};

/// How long one waits while others are put together.
const PATIENCE: Duration = Duration::from_secs(30);

/// Puts bundles together.
pub(super) struct Binder {
    host: Host,
    turns: Turns,
    room: Semaphore,
}

impl Binder {
    /// Of this host's log.
    pub fn of(host: &Host) -> Self {
        Self { host: host.clone(), turns: Turns::default(), room: Semaphore::new(1) }
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

    async fn bind(&self, order: &Order, about: &About) -> Result<Packed> {
        let words = words(order, about);
        let bench = Bench::of(&self.host.home)?;
        let dir = bench.whole();
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
        tokio::task::block_in_place(|| -> Result<Packed> {
            ready.publish()?;
            let tar = dir.with_extension("tar");
            pack(&dir, &tar)?;
            // What is open can be read when its name is gone.
            Ok(Packed::of(File::open(&tar)?)?)
        })
    }
}

#[async_trait]
impl Bundles for Binder {
    async fn bundle(&self, order: Order) -> Result<Parcel, LogError> {
        let busy = || {
            let why =
                "another bundle of the same log is being put together or handed over; ask again when that has ended";
            LogError::Conflict(why.to_owned())
        };
        let turns = self.turns.take_all(&order.tenants).ok_or_else(busy)?;
        let about = self.about(&order).await?;
        let Ok(Ok(_room)) = tokio::time::timeout(PATIENCE, self.room.acquire()).await else {
            return Err(LogError::Failed("other bundles took too long".to_owned()));
        };
        let packed = self.bind(&order, &about).await.map_err(too_much)?;
        Ok(packed.parcel(turns))
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
        Some(wrong) if wrong.too_much => LogError::Refused(wrong.what.clone()),
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
    let about = (words, host.clock.now(), personal);
    let (key, signer, log, mut maker) = tokio::task::block_in_place(|| begin(at, &host.home, about))?;
    let to = log.head().size();
    let mut from = 0;
    while let Some((page, upto)) = next(reader, which, from, to).await? {
        let mut proven = Vec::with_capacity(page.len());
        for shown in page {
            let proof = match shown.disposed {
                Some(_) => None,
                None => Some(log_proof::of_entry_in(&log, &key, &host.store, shown.index).await?),
            };
            proven.push((shown, proof));
        }
        tokio::task::block_in_place(|| put(&mut maker, &proven))?;
        from = upto;
    }
    tokio::task::block_in_place(|| finish(maker, &host.home.log(), &log, (&key, &signer)))
}

/// An empty one, of the log as it is, with what that is checked and signed with.
fn begin(at: &Path, home: &Home, about: (&str, Timestamp, bool)) -> Result<(LogVerifier, LogKey, Log, Maker)> {
    let key = LogVerifier::parse(&log_proof::vkey(home)?)?;
    let signer = LogKey::read(&home.log_key())?;
    if signer.verifier() != key {
        bail!("the log's key is being replaced; try again when 'portcullis audit key rotate' has ended");
    }
    let log = Log::open(&home.log(), &key)?;
    let maker = Maker::create(at, &key, log.head(), about)?;
    Ok((key, signer, log, maker))
}

/// Puts entries into it, each with its proof where it was not disposed of.
fn put(maker: &mut Maker, page: &[(Shown, Option<EntryProof>)]) -> Result<()> {
    for (shown, proof) in page {
        match proof {
            Some(proof) => maker.put(shown, proof)?,
            None => maker.leave_out(shown.index, shown.disposed)?,
        }
    }
    Ok(())
}

/// All but its manifest.
fn finish(maker: Maker, dir: &Path, log: &Log, (key, signer): (&LogVerifier, &LogKey)) -> Result<Ready> {
    let head = log.head();
    let same = |note: &Vec<u8>| Checkpoint::open(note, key).is_ok_and(|seen| seen.size() == head.size());
    let note = checkpoint_file(dir)?.filter(same).unwrap_or_else(|| head.note().to_vec());
    let mut changes = Vec::new();
    while let Some(change) = key_change_file(dir, u16::try_from(changes.len()).context("too many keys")?)? {
        changes.push(change);
    }
    Ok(maker.finish(signer, &note, &changes)?)
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
