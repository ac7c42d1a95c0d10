//! A platform with a publisher and two reviewers, in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicI64, atomic::Ordering},
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    behaviour::{Corpus, Determinism, FORMAT, Report, Subject},
    error::StoreError,
    id::Digest,
    release::{ReleaseId, StoredRelease},
    review::{Misbehaviour, Note, ReviewStore, Submission, Vulnerability},
    time::{Clock, Timestamp},
    trust::RootScope,
};

use crate::{
    check::{Registry, Rules},
    keys::SecretKey,
    publish::sign_release,
    release_dir::{ReleaseFiles, read_release, write_envelope},
    review::Desk,
    testing::{Fake, Fixed, MANIFEST, Memory, component, root},
};

/// A day, in milliseconds.
pub const DAY: i64 = 24 * 60 * 60 * 1000;

#[derive(Default)]
pub struct Rows {
    pub notes: Mutex<Vec<(Submission, Note)>>,
    reports: Mutex<BTreeMap<Digest, Vec<u8>>>,
    misbehaviours: Mutex<Vec<Misbehaviour>>,
    found: Mutex<BTreeMap<ReleaseId, Vec<Vulnerability>>>,
    pub entries: Mutex<Vec<Entry>>,
    /// Somebody else is always faster.
    pub race: Mutex<bool>,
}

impl Rows {
    pub fn kinds(&self) -> Vec<Kind> {
        self.entries.lock().unwrap().iter().map(|entry| entry.kind).collect()
    }

    /// Damages every stored report.
    pub fn damage(&self) {
        self.reports.lock().unwrap().values_mut().for_each(|bytes| bytes.push(b' '));
    }
}

#[async_trait]
impl ReviewStore for Rows {
    async fn submissions(&self) -> Result<Vec<Submission>, StoreError> {
        let mut all: Vec<Submission> = Vec::new();
        for (submission, _) in self.notes.lock().unwrap().iter() {
            if !all.contains(submission) {
                all.push(submission.clone());
            }
        }
        Ok(all)
    }

    async fn notes(&self, release: &ReleaseId) -> Result<Vec<Note>, StoreError> {
        let all = self.notes.lock().unwrap();
        Ok(all.iter().filter(|(of, _)| of.release() == *release).map(|(_, note)| note.clone()).collect())
    }

    async fn put_note(&self, of: Submission, after: usize, note: Note, entry: Entry) -> Result<bool, StoreError> {
        let mut all = self.notes.lock().unwrap();
        let present = all.iter().filter(|(one, _)| one.release() == of.release()).count();
        if present != after || *self.race.lock().unwrap() {
            return Ok(false);
        }
        all.push((of, note));
        self.entries.lock().unwrap().push(entry);
        Ok(true)
    }

    async fn put_report(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.reports.lock().unwrap().insert(digest, bytes);
        Ok(())
    }

    async fn report(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.reports.lock().unwrap().get(digest).cloned())
    }

    async fn misbehaviours(&self) -> Result<Vec<Misbehaviour>, StoreError> {
        Ok(self.misbehaviours.lock().unwrap().clone())
    }

    async fn put_misbehaviour(&self, report: Misbehaviour, entry: Entry) -> Result<bool, StoreError> {
        let mut all = self.misbehaviours.lock().unwrap();
        match all.iter_mut().find(|one| one.id == report.id) {
            Some(old) if old.resolved.is_some() => return Ok(false),
            Some(old) => *old = report,
            None => all.push(report),
        }
        self.entries.lock().unwrap().push(entry);
        Ok(true)
    }

    async fn vulnerabilities(&self) -> Result<Vec<(ReleaseId, Vec<Vulnerability>)>, StoreError> {
        Ok(self.found.lock().unwrap().iter().map(|(id, found)| (*id, found.clone())).collect())
    }

    async fn put_vulnerabilities(
        &self,
        release: ReleaseId,
        found: Vec<Vulnerability>,
        entry: Entry,
    ) -> Result<(), StoreError> {
        self.found.lock().unwrap().insert(release, found);
        self.entries.lock().unwrap().push(entry);
        Ok(())
    }
}

/// A clock that is set by hand, in days.
#[derive(Clone, Default)]
pub struct Hand(Arc<AtomicI64>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

pub struct World {
    pub memory: Arc<Memory>,
    pub rows: Rows,
    pub registry: Registry,
    pub clock: Hand,
    pub files: ReleaseFiles,
    pub publisher: SecretKey,
    /// Two reviewers of the root.
    pub ann: SecretKey,
    pub bob: SecretKey,
    /// Nobody.
    pub eve: SecretKey,
}

impl World {
    /// Where a release of high risk needs this many reviewers. The publisher's key is among the reviewers' too.
    pub fn needing(high: usize) -> Self {
        let (fixed, memory, clock) = (Fixed::new(), Arc::new(Memory::default()), Hand::default());
        let [own, publisher, ann, bob, eve] = std::array::from_fn(|_| SecretKey::generate(&fixed));
        let mut root = root(&own, &[publisher.public()]);
        for (key, owner) in [(&ann, "ann"), (&bob, "bob"), (&publisher, "the publisher")] {
            let id = root.know(&key.public(), owner);
            root.reviewers.insert(id);
        }
        root.reviews.high = high;
        let anchor = memory.trusting(&own, &root);
        let files = files(MANIFEST, &publisher);
        let registry = Registry::new(memory.clone(), memory.clone(), anchor, Arc::new(Fake), Arc::new(clock.clone()));
        Self { memory, rows: Rows::default(), registry, clock, files, publisher, ann, bob, eve }
    }

    pub fn desk(&self) -> Desk<'_> {
        self.desk_of("sam")
    }

    pub fn desk_of(&self, name: &str) -> Desk<'_> {
        Desk {
            registry: &self.registry,
            reviews: &self.rows,
            clock: &self.clock,
            actor: Actor::Person { name: name.into() },
            scope: RootScope::Platform,
            trial: false,
        }
    }

    /// Moves the clock on.
    pub fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// A behaviour report of this release.
    pub fn report(&self) -> Report {
        let id = self.files.stored.id();
        Report {
            format: FORMAT.into(),
            release: Subject {
                plugin: "com.example.card-guard".parse().unwrap(),
                version: "1.2.0".into(),
                release: 3,
                component: id.component,
                manifest: id.manifest,
            },
            tool: "test".into(),
            seed: 1,
            corpus: Corpus {
                digest: Digest::of(b""),
                inputs: BTreeMap::new(),
                kinds: Vec::new(),
                statuses: Vec::new(),
            },
            passes: Vec::new(),
            determinism: Determinism::default(),
        }
    }
}

/// A release of the usual component under this manifest, as it is handed over.
pub fn files(manifest: &str, key: &SecretKey) -> ReleaseFiles {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("plugin.wasm"), component()).unwrap();
    std::fs::write(dir.path().join("portcullis.toml"), manifest).unwrap();
    let envelope = sign_release(&component(), manifest, key, Rules { catalogue: &Fake }).unwrap();
    write_envelope(dir.path(), &envelope).unwrap();
    let files = read_release(dir.path()).unwrap();
    let StoredRelease { digest, .. } = &files.stored;
    assert_eq!(*digest, Digest::of(&component()));
    files
}
