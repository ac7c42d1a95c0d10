//! What the tests of several modules share: a store of their own, and a random source that is not random.

#[path = "../tests/support/hooked.rs"]
pub(crate) mod hooked;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    time::{Rng, Timestamp},
};
use portcullis_store::SqliteStore;

use crate::{
    key::{Key, service::KeyRing},
    vault::Vault,
};

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Rng for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            chunk.copy_from_slice(&next[8 - chunk.len()..]);
        }
    }
}

/// A store in a directory that lasts as long as the first value.
pub(crate) fn store() -> (tempfile::TempDir, Arc<SqliteStore>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
    (dir, store)
}

/// A ring with one key, always the same.
pub(crate) fn ring() -> KeyRing {
    KeyRing::of(Key::of(&[3; 32]).unwrap(), Arc::new(Counter::default()))
}

pub(crate) fn vault(store: &Arc<SqliteStore>) -> Vault {
    Vault::new(store.clone(), ring(), Arc::new(Counter::default()))
}

pub(crate) fn entry() -> Entry {
    Entry::new(Timestamp(0), Kind::ConnectionAdded, Actor::Host, None)
}
