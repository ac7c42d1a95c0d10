//! What the tests of several modules share: storage in memory, and a random source that is not random.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    secret::{SealedSecret, SecretStore},
    time::{Rng, Timestamp},
};

use crate::{key::Key, vault::Vault};

#[derive(Default)]
pub(crate) struct MemorySecrets {
    pub(crate) rows: Mutex<Vec<SealedSecret>>,
}

#[async_trait]
impl SecretStore for MemorySecrets {
    async fn put_secret(&self, secret: SealedSecret, _: Entry) -> Result<(), StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let key = |row: &SealedSecret| (row.tenant.clone(), row.installation.clone(), row.name.clone());
        rows.retain(|row| key(row) != key(&secret));
        rows.push(secret);
        Ok(())
    }

    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreError> {
        Ok(self.rows.lock().unwrap().clone())
    }
}

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Rng for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
    }
}

pub(crate) fn vault(store: &Arc<MemorySecrets>) -> Vault {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::load(&folder.path().join("key"), &Counter::default()).unwrap();
    Vault::new(store.clone(), key, Arc::new(Counter::default()))
}

pub(crate) fn entry() -> Entry {
    Entry::new(Timestamp(0), Kind::ConnectionAdded, Actor::Host, None)
}
