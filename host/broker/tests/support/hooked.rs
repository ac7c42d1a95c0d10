//! A store with a hook before and after each step of a renewal, and with rows from before there were data keys.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::TenantId,
    secret::{Head, SealedSecret, SecretStore, Slot, SlotRows, Swap, VaultRows, WrappedKey},
    time::Timestamp,
};

/// What is called with the step's name. An error fails the step.
pub type Hook = Box<dyn Fn(&'static str) -> Result<(), StoreError> + Send + Sync>;

pub struct Hooked {
    pub inner: Arc<dyn SecretStore>,
    pub hook: Hook,
    pub direct: Mutex<Vec<SealedSecret>>,
}

impl Hooked {
    pub fn new(inner: Arc<dyn SecretStore>, hook: Hook) -> Self {
        Self { inner, hook, direct: Mutex::default() }
    }
}

#[async_trait]
impl SecretStore for Hooked {
    async fn put_secret(
        &self,
        secret: SealedSecret,
        expected: Option<Head>,
        keep_since: Timestamp,
        entry: Entry,
    ) -> Result<Swap, StoreError> {
        (self.hook)("before-write")?;
        let put = self.inner.put_secret(secret, expected, keep_since, entry).await?;
        (self.hook)("after-write")?;
        Ok(put)
    }

    async fn set_head(&self, slot: &Slot, expected: Head, head: Head, entry: Entry) -> Result<bool, StoreError> {
        let claims = head.claimant.is_some();
        if claims {
            (self.hook)("before-intent")?;
        }
        let set = self.inner.set_head(slot, expected, head, entry).await?;
        if claims {
            (self.hook)("after-intent")?;
        }
        Ok(set)
    }

    async fn remove_slot(&self, slot: &Slot) -> Result<bool, StoreError> {
        self.inner.remove_slot(slot).await
    }

    async fn forget_retired(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget_retired(before).await
    }

    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreError> {
        let direct = self.direct.lock().unwrap().clone();
        Ok(self.inner.secrets().await?.into_iter().chain(direct).collect())
    }

    async fn slot(&self, slot: &Slot) -> Result<Option<SlotRows>, StoreError> {
        (self.hook)("read")?;
        self.inner.slot(slot).await
    }

    async fn vault(&self) -> Result<VaultRows, StoreError> {
        self.inner.vault().await
    }

    async fn secrets_revision(&self) -> Result<u64, StoreError> {
        (self.hook)("before-revision")?;
        self.inner.secrets_revision().await
    }

    async fn reseal(&self, old: SealedSecret, new: SealedSecret) -> Result<bool, StoreError> {
        let was_direct = {
            let mut direct = self.direct.lock().unwrap();
            let before = direct.len();
            direct.retain(|row| *row != old);
            direct.len() < before
        };
        if !was_direct {
            return self.inner.reseal(old, new).await;
        }
        let entry = Entry::new(
            Timestamp(0),
            portcullis_model::audit::Kind::ConnectionAdded,
            portcullis_model::audit::Actor::Host,
            None,
        );
        Ok(self.inner.put_secret(new, None, Timestamp(0), entry).await? == Swap::Done)
    }

    async fn add_data_key(&self, key: WrappedKey, expected: Option<u64>, entry: Entry) -> Result<Swap, StoreError> {
        self.inner.add_data_key(key, expected, entry).await
    }

    async fn rewrap(&self, old: WrappedKey, new: WrappedKey) -> Result<Swap, StoreError> {
        self.inner.rewrap(old, new).await
    }

    async fn drop_data_key(&self, tenant: &TenantId, number: u64, entry: Entry) -> Result<bool, StoreError> {
        self.inner.drop_data_key(tenant, number, entry).await
    }

    async fn wrapping_keys(&self) -> Result<Vec<String>, StoreError> {
        self.inner.wrapping_keys().await
    }

    async fn set_wrapping_key(
        &self,
        name: &str,
        expected: Option<&str>,
        entry: Option<Entry>,
    ) -> Result<bool, StoreError> {
        self.inner.set_wrapping_key(name, expected, entry).await
    }

    async fn drop_wrapping_key(&self, name: &str, entry: Entry) -> Result<bool, StoreError> {
        self.inner.drop_wrapping_key(name, entry).await
    }
}
