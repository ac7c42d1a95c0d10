//! Answers for the data keys in use: one a tenant, opened once and kept in memory.
//!
//! Invariants: a data key is never stored in the clear; a tenant's first one is made when its first secret is stored, and only
//! one of those who make it at the same time makes it.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::TenantId,
    secret::{Swap, WrappedKey},
    time::Timestamp,
};

use super::{TRIES, Vault, VaultError};
use crate::{
    key::{
        Key,
        service::{KeyRing, ServiceError},
    },
    seal,
};

/// Opened data keys.
#[derive(Default)]
pub(super) struct DataKeys(RwLock<Known>);

#[derive(Default)]
struct Known {
    opened: HashMap<(TenantId, u64), Key>,
    current: HashMap<TenantId, u64>,
}

impl DataKeys {
    fn get(&self, tenant: &TenantId, number: u64) -> Option<Key> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.opened.get(&(tenant.clone(), number)).cloned()
    }

    fn current(&self, tenant: &TenantId) -> Option<(u64, Key)> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let number = *known.current.get(tenant)?;
        Some((number, known.opened.get(&(tenant.clone(), number))?.clone()))
    }

    /// Has the current one looked up again.
    pub(super) fn forget_current(&self, tenant: &TenantId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).current.remove(tenant);
    }

    fn add(&self, wrapped: &WrappedKey, key: Key) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.opened.insert((wrapped.tenant.clone(), wrapped.number), key);
    }

    /// Opens those that are new, forgets those that are gone. Gives an error for each that does not open.
    pub(super) async fn learn(&self, ring: &KeyRing, keys: &[WrappedKey]) -> Vec<VaultError> {
        let mut refused = Vec::new();
        for wrapped in keys {
            if self.get(&wrapped.tenant, wrapped.number).is_none() {
                match unwrap(ring, wrapped).await {
                    Ok(key) => self.add(wrapped, key),
                    Err(error) => refused.push(VaultError::DataKey {
                        tenant: wrapped.tenant.clone(),
                        number: wrapped.number,
                        error: Arc::new(error),
                    }),
                }
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.opened.retain(|(tenant, number), _| keys.iter().any(|k| k.tenant == *tenant && k.number == *number));
        known.current = keys.iter().filter(|key| key.current).map(|key| (key.tenant.clone(), key.number)).collect();
        refused
    }
}

/// Opens one.
pub(super) async fn unwrap(ring: &KeyRing, wrapped: &WrappedKey) -> Result<Key, ServiceError> {
    ring.unwrap(&wrapped.wrapped_by, &wrapped.wrapped, &seal::context(&wrapped.tenant, wrapped.number)).await
}

impl Vault {
    /// This data key; `None` where there is no such one, or it does not open.
    pub(super) async fn key(&self, tenant: &TenantId, number: u64) -> Result<Option<Key>, VaultError> {
        if let Some(key) = self.keys.get(tenant, number) {
            return Ok(Some(key));
        }
        let keys = self.store.vault().await?.keys;
        let Some(wrapped) = keys.iter().find(|key| key.tenant == *tenant && key.number == number) else {
            return Ok(None);
        };
        let key = unwrap(&self.ring, wrapped).await?;
        self.keys.add(wrapped, key.clone());
        Ok(Some(key))
    }

    /// The tenant's current data key; makes the first one.
    pub(super) async fn current_key(&self, tenant: &TenantId, now: Timestamp) -> Result<(u64, Key), VaultError> {
        for _ in 0..TRIES {
            if let Some(known) = self.keys.current(tenant) {
                return Ok(known);
            }
            let keys = self.store.vault().await?.keys;
            for error in self.keys.learn(&self.ring, &keys).await {
                tracing::error!(%error, "a data key cannot be opened");
            }
            if let Some(wrapped) = keys.iter().find(|key| key.tenant == *tenant && key.current) {
                unwrap(&self.ring, wrapped).await?;
                continue;
            }
            self.make_key(tenant, None, now).await?;
        }
        Err(VaultError::Busy(format!("the data key of {tenant}")))
    }

    /// Makes the tenant's next data key, where `current` is the one now. False where somebody else was faster.
    pub(super) async fn make_key(
        &self,
        tenant: &TenantId,
        current: Option<u64>,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        let entry = Entry::new(now, Kind::VaultDataKeyMade, Actor::Host, Some(tenant.clone()));
        self.make_key_by(tenant, current, entry).await
    }

    /// As [`make_key`](Self::make_key), with this entry.
    pub(super) async fn make_key_by(
        &self,
        tenant: &TenantId,
        current: Option<u64>,
        entry: Entry,
    ) -> Result<bool, VaultError> {
        let number = current.map_or(1, |number| number + 1);
        let key = Key::random(&*self.rng);
        for _ in 0..TRIES {
            let wrapped_by = self.wrapping_key().await?;
            let wrapped = self.ring.wrap(&wrapped_by, &key, &seal::context(tenant, number)).await?;
            let entry = entry.clone().with("data-key", number).with("wrapped-by", wrapped_by.as_str());
            let made = entry.time;
            let wrapped = WrappedKey { tenant: tenant.clone(), number, wrapped_by, wrapped, made, current: true };
            match self.store.add_data_key(wrapped, current, entry).await? {
                Swap::Done => return Ok(true),
                Swap::Stale | Swap::Gone => return Ok(false),
                Swap::OtherKey => {}
            }
        }
        Err(VaultError::Busy(format!("the data key of {tenant}")))
    }

    /// The name of the key-encryption key to wrap with. The first one that a host has is taken as it is.
    pub(super) async fn wrapping_key(&self) -> Result<String, VaultError> {
        for _ in 0..TRIES {
            if let Some(current) = self.store.wrapping_keys().await?.into_iter().next() {
                return Ok(current);
            }
            let first = self.ring.preferred().await?;
            self.store.set_wrapping_key(&first, None, None).await?;
        }
        Err(VaultError::Busy("the key-encryption key".into()))
    }
}
