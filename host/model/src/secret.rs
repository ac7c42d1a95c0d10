//! Secrets: a type that cannot be printed, and the storage of sealed ones, with the keys that they are sealed under (INT-7, DAT-6).
//!
//! What there is a secret for is a [`Slot`]. Each secret that it ever had is a generation: a row of its own. A slot's head says
//! which generation is the current one, how it stands, and who is renewing it.
//!
//! Invariants: exactly one generation of a slot is current, since its head names it; a change names what it was made from and
//! does nothing where that is not so any more; a change and its audit entry are one.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{
    audit::Entry,
    connection::{ConnectionKey, Standing},
    error::StoreError,
    id::{InstallationId, TenantId},
    time::Timestamp,
};

/// A secret in memory: never printed, never serialized, overwritten when the last handle is dropped. Clones share the bytes.
#[derive(Clone, Default)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    /// Takes it over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// The bytes. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What there is a secret for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    /// Whose it is.
    pub tenant: TenantId,
    /// For which installation; absent for a source's secret.
    pub installation: Option<InstallationId>,
    /// A connection's or a source's name.
    pub name: String,
}

impl From<ConnectionKey> for Slot {
    fn from(key: ConnectionKey) -> Self {
        Self { tenant: key.tenant, installation: Some(key.installation), name: key.name }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let installation = self.installation.as_ref().map_or("-", |installation| installation.as_str());
        write!(f, "{}/{installation}/{}", self.tenant, self.name)
    }
}

/// A generation of a secret as it lies in storage: encrypted, and bound to every other column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// Whose it is.
    pub tenant: TenantId,
    /// For which installation; absent for a source's secret.
    pub installation: Option<InstallationId>,
    /// What it is for: a connection's or a source's name.
    pub name: String,
    /// Goes up with each rotation.
    pub generation: u64,
    /// Where it goes, as JSON: not secret.
    pub place: String,
    /// Where it comes from: an [`Origin`](crate::connection::Origin) as JSON, or nothing. Not secret.
    pub origin: String,
    /// When it was stored.
    pub issued: Timestamp,
    /// When it ends; absent where it does not say.
    pub expires: Option<Timestamp>,
    /// The number of the tenant's data key that it is sealed under. [`DIRECT`]: none, but the host's key itself.
    pub data_key: u64,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
}

/// In place of a data key's number: a row from before there were data keys.
pub const DIRECT: u64 = 0;

impl SealedSecret {
    /// What it is for.
    pub fn slot(&self) -> Slot {
        Slot { tenant: self.tenant.clone(), installation: self.installation.clone(), name: self.name.clone() }
    }
}

/// What a slot's head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The generation that is in use.
    pub generation: u64,
    /// How it stands.
    pub standing: Standing,
    /// Who asks the provider for the next one: a random name, new for each attempt.
    pub claimant: Option<String>,
    /// How many requests for the next generation ended without anybody knowing how.
    pub unknown: u32,
}

impl Head {
    /// The head of a generation that is in use, and of which nothing else is to be said.
    pub fn ready(generation: u64) -> Self {
        Self { generation, standing: Standing::Ready, claimant: None, unknown: 0 }
    }
}

/// A slot: its head and those of its generations that are still kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotRows {
    /// Its head.
    pub head: Head,
    /// Its generations, in their order; the current one among them.
    pub generations: Vec<SealedSecret>,
}

impl SlotRows {
    /// The current generation's row.
    pub fn current(&self) -> Option<&SealedSecret> {
        self.generations.iter().find(|row| row.generation == self.head.generation)
    }
}

/// A tenant's data key as it lies in storage: wrapped by a key-encryption key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Whose.
    pub tenant: TenantId,
    /// Its number in the tenant, from 1; goes up with each new one.
    pub number: u64,
    /// The key-encryption key's name.
    pub wrapped_by: String,
    /// As the key-encryption key's keeper gave it.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub made: Timestamp,
    /// Whether new secrets are sealed under it: one a tenant.
    pub current: bool,
}

/// All that there is, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultRows {
    /// See [`SecretStore::secrets_revision`].
    pub revision: u64,
    /// All slots.
    pub slots: Vec<SlotRows>,
    /// All data keys.
    pub keys: Vec<WrappedKey>,
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// It is made, and durable.
    Done,
    /// What it was made from is not so any more. Nothing was changed.
    Stale,
    /// The data key or the key-encryption key that it names is not the current one. Nothing was changed.
    OtherKey,
    /// The installation was uninstalled. Nothing was changed.
    Gone,
}

/// A secret that is stored together with something else: in one transaction, or not at all.
#[derive(Clone, Debug)]
pub struct SecretPut {
    /// The generation.
    pub row: SealedSecret,
    /// The head of the slot that it was made from; `None`: there was no such slot.
    pub expected: Option<Head>,
    /// Generations that ceased to be current before are deleted.
    pub keep_since: Timestamp,
    /// What is written to the log of it.
    pub entry: Entry,
}

/// What becomes of a secret together with something else.
#[derive(Clone, Debug)]
pub enum SecretChange {
    /// It has another generation.
    Put(Box<SecretPut>),
    /// It is deleted, where it is there.
    Forget(Slot),
}

/// Storage of sealed secrets and wrapped keys.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Adds a generation and makes it the current one, where the head is still `expected` (`None`: there is no such slot). The
    /// one before is kept; those that ceased to be current before `keep_since` are deleted. Nothing is stored for an installation
    /// that was uninstalled. Together with the audit entry.
    async fn put_secret(
        &self,
        secret: SealedSecret,
        expected: Option<Head>,
        keep_since: Timestamp,
        entry: Entry,
    ) -> Result<Swap, StoreError>;

    /// Replaces a slot's head by one of the same generation, where it is still `expected`. Together with the audit entry.
    async fn set_head(&self, slot: &Slot, expected: Head, head: Head, entry: Entry) -> Result<bool, StoreError>;

    /// Deletes a slot with all of its generations. False where there is none.
    async fn remove_slot(&self, slot: &Slot) -> Result<bool, StoreError>;

    /// Deletes the generations that ceased to be current before this and have ended by then, or do not say when they end: one
    /// that is good elsewhere must be known, to be found and to be revoked. Gives how many.
    async fn forget_retired(&self, before: Timestamp) -> Result<u64, StoreError>;

    /// The current generations of all slots.
    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreError>;

    /// One slot.
    async fn slot(&self, slot: &Slot) -> Result<Option<SlotRows>, StoreError>;

    /// Everything.
    async fn vault(&self) -> Result<VaultRows, StoreError>;

    /// Goes up whenever a secret is added or deleted, comes into use or falls out of it: cheap to ask, to know whether to read
    /// them all again.
    async fn secrets_revision(&self) -> Result<u64, StoreError>;

    /// Replaces what a row is sealed as, where it is still as in `old`. Only `data_key` and `sealed` may differ.
    async fn reseal(&self, old: SealedSecret, new: SealedSecret) -> Result<bool, StoreError>;

    /// Adds a tenant's data key as the current one, where `expected` is the number of the current one now (`None`: it has none),
    /// and the key-encryption key that it names is the current one. Together with the audit entry.
    async fn add_data_key(&self, key: WrappedKey, expected: Option<u64>, entry: Entry) -> Result<Swap, StoreError>;

    /// Replaces what a data key is wrapped by and as, where it is still as in `old`.
    async fn rewrap(&self, old: WrappedKey, new: WrappedKey) -> Result<Swap, StoreError>;

    /// Deletes a data key that is not current and seals nothing. False where it is, or does. Together with the audit entry.
    async fn drop_data_key(&self, tenant: &TenantId, number: u64, entry: Entry) -> Result<bool, StoreError>;

    /// The names of the key-encryption keys that are known: the current one first.
    async fn wrapping_keys(&self) -> Result<Vec<String>, StoreError>;

    /// Makes this key-encryption key the current one, where `expected` is so now. Together with the audit entry, if there is
    /// one: none where a host meets its first key.
    async fn set_wrapping_key(
        &self,
        name: &str,
        expected: Option<&str>,
        entry: Option<Entry>,
    ) -> Result<bool, StoreError>;

    /// Forgets a key-encryption key that is not current and wraps nothing. False where it is, or does. Together with the
    /// audit entry.
    async fn drop_wrapping_key(&self, name: &str, entry: Entry) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_and_a_clone_is_the_same_bytes() {
        let secret = Secret::new(b"tok-12345678".to_vec());
        let clone = secret.clone();
        assert_eq!(format!("{secret:?} {:?}", Some(&clone)), "Secret(…) Some(Secret(…))");
        assert!(std::ptr::eq(secret.expose(), clone.expose()), "no second copy to overwrite");
    }
}
