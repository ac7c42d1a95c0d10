//! What must hold of a log whatever became of the process that wrote it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::Digest,
    installation::InstallationStore as _,
};
use portcullis_store::{SqliteStore, StoredEntry};

use crate::work::WHO;

/// What was checked so far.
#[derive(Default)]
pub struct Checked {
    bodies: Vec<Digest>,
    installed: BTreeSet<String>,
    /// How many acts were cut off.
    pub unknown: u64,
}

impl Checked {
    pub fn entries(&self) -> usize {
        self.bodies.len()
    }

    /// Checks what has come since the last time, and that all of `answered` is in it.
    pub fn go_on(&mut self, dir: &Path, answered: &[String]) {
        block_on(async {
            let store = SqliteStore::open(&dir.join("host.db")).unwrap();
            let mut told: BTreeMap<String, Kind> = BTreeMap::new();
            for stored in all(&store, self.bodies.len() as u64).await {
                assert_eq!(stored.index, self.bodies.len() as u64, "a gap");
                let entry = stored.read().unwrap();
                is_whole(&entry, &stored);
                match entry.kind {
                    Kind::PluginInstalled => {
                        let id = entry.resource.unwrap().trim_start_matches("installation:").to_owned();
                        self.installed.insert(id.clone());
                        told.insert(id, entry.kind);
                    }
                    Kind::ActPermitted => drop(told.insert(entry.text("id").unwrap().to_owned(), entry.kind)),
                    Kind::ActUnknown => self.unknown += 1,
                    _ => {}
                }
                self.bodies.push(Digest::of(&stored.body));
            }
            for id in answered {
                assert!(told.contains_key(id), "{id} was answered for and is not in the log");
            }
            let there: BTreeSet<String> =
                store.installations().await.unwrap().into_iter().map(|one| one.id.to_string()).collect();
            assert_eq!(there, self.installed, "effects and entries are the same");
        });
    }

    /// Checks that nothing that was there once has changed.
    pub fn whole(&self, dir: &Path) {
        block_on(async {
            let store = SqliteStore::open(&dir.join("host.db")).unwrap();
            let bodies: Vec<Digest> = all(&store, 0).await.iter().map(|stored| Digest::of(&stored.body)).collect();
            assert_eq!(bodies.len(), self.bodies.len());
            assert!(bodies == self.bodies, "an entry has changed");
        });
    }
}

/// All of its personal values are beside it, and no other.
fn is_whole(entry: &Entry, stored: &StoredEntry) {
    let by_the_host = entry.kind == Kind::ActUnknown;
    let who = if by_the_host { Actor::Host } else { Actor::Person { name: WHO.into() } };
    assert_eq!(entry.actor, who, "{stored:?}");
    let about_a_person = entry.kind != Kind::PluginInstalled;
    let expected = usize::from(!by_the_host) + usize::from(about_a_person);
    assert_eq!(stored.openings.open.len(), expected, "{stored:?}");
    assert!(!about_a_person || entry.resource.as_deref() == Some("user:dana"), "{stored:?}");
}

async fn all(store: &SqliteStore, from: u64) -> Vec<StoredEntry> {
    let mut all = Vec::new();
    loop {
        let part = store.entries(from + all.len() as u64, 4_096).await.unwrap();
        if part.is_empty() {
            return all;
        }
        all.extend(part);
    }
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(work)
}
