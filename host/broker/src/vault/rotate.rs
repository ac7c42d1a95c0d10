//! Answers for new keys of both layers while everything goes on, and for rows from before there were data keys.
//!
//! Each step is one small transaction that names what it was made from, so that a crash leaves a state in which everything opens,
//! and the same command goes on from there:
//! 1. the new key is there, and new things are sealed or wrapped under it; old ones open under the old one, which is kept;
//! 2. each old thing is sealed or wrapped anew;
//! 3. the old key is dropped, by a statement that does nothing while anything is still under it.
//!
//! Invariants: a key is dropped only when the same transaction sees nothing under it; what does not open stops nothing else, and is
//! reported at the end; whoever seals under a key that is not the
//! current one any more is told so by the storage, and seals again.

use std::collections::BTreeMap;

use portcullis_model::{
    audit::{Entry, Kind},
    connection::Standing,
    id::TenantId,
    secret::{DIRECT, SealedSecret, Swap, VaultRows, WrappedKey},
};

use super::{TRIES, Vault, VaultError, credential, keys::unwrap, unopened};
use crate::{issue::Credential, key::Key, seal};

/// What a rotation did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rotated {
    /// Data keys that were made.
    pub made: u64,
    /// Data keys that were wrapped anew.
    pub rewrapped: u64,
    /// Secrets that were sealed anew.
    pub resealed: u64,
    /// Keys that were dropped, of both layers.
    pub dropped: u64,
}

/// How the vault stands: numbers and names, no secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct VaultStatus {
    /// The key-encryption keys that data keys may be wrapped by, the current one first.
    pub wrapping_keys: Vec<WrappingKey>,
    /// The tenants, by name.
    pub tenants: BTreeMap<TenantId, TenantStatus>,
    /// What does not open, by its error.
    pub unopened: Vec<String>,
}

/// A key-encryption key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct WrappingKey {
    /// Its name.
    pub name: String,
    /// Whether it is at hand.
    pub at_hand: bool,
    /// How many data keys it wraps.
    pub wraps: usize,
}

/// A tenant's part of the vault.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TenantStatus {
    /// The numbers of its data keys, the current one last, and how many secrets each seals.
    pub data_keys: BTreeMap<u64, usize>,
    /// When the current one was made.
    pub key_made: Option<portcullis_model::time::Timestamp>,
    /// Secrets by how they stand, such as `ready`.
    pub standing: BTreeMap<&'static str, usize>,
}

impl Vault {
    /// How it stands.
    pub async fn status(&self) -> Result<VaultStatus, VaultError> {
        let rows = self.store.vault().await?;
        let mut tenants: BTreeMap<TenantId, TenantStatus> = BTreeMap::new();
        for key in &rows.keys {
            let tenant = tenants.entry(key.tenant.clone()).or_default();
            tenant.data_keys.insert(key.number, 0);
            if key.current {
                tenant.key_made = Some(key.made);
            }
        }
        for slot in &rows.slots {
            for row in &slot.generations {
                let tenant = tenants.entry(row.tenant.clone()).or_default();
                *tenant.data_keys.entry(row.data_key).or_default() += 1;
                if row.generation == slot.head.generation {
                    *tenant.standing.entry(word(&slot.head.standing)).or_default() += 1;
                }
            }
        }
        let mut wrapping_keys = Vec::new();
        for name in self.store.wrapping_keys().await? {
            let wraps = rows.keys.iter().filter(|key| key.wrapped_by == name).count();
            wrapping_keys.push(WrappingKey { at_hand: self.ring.has(&name).await, name, wraps });
        }
        let unopened = self.load_all(|_| None).await?.refused.iter().map(ToString::to_string).collect();
        Ok(VaultStatus { wrapping_keys, tenants, unopened })
    }

    /// Gives each tenant, or this one, a new data key and seals everything under it. `entry` makes the audit entries.
    pub async fn rotate_data_keys(
        &self,
        only: Option<&TenantId>,
        entry: impl Fn(Kind, Option<TenantId>) -> Entry,
    ) -> Result<Rotated, VaultError> {
        let mut done = Rotated::default();
        for key in self.store.vault().await?.keys {
            if !key.current || only.is_some_and(|only| *only != key.tenant) {
                continue;
            }
            let made = entry(Kind::VaultDataKeyMade, Some(key.tenant.clone()));
            // Where somebody was faster, it is new all the same.
            done.made += u64::from(self.make_key_by(&key.tenant, Some(key.number), made).await?);
            self.keys.forget_current(&key.tenant);
        }
        self.finish(only, &mut done, &entry).await?;
        Ok(done)
    }

    /// Wraps all data keys by the key-encryption key that its keeper names first. Nothing new is made: that is the keeper's part.
    pub async fn rotate_wrapping_key(
        &self,
        entry: impl Fn(Kind, Option<TenantId>) -> Entry,
    ) -> Result<Rotated, VaultError> {
        let (old, new) = (self.wrapping_key().await?, self.ring.preferred().await?);
        if old != new {
            let entry = entry(Kind::VaultKeyRotated, None).with("from", old.as_str()).with("to", new.as_str());
            self.store.set_wrapping_key(&new, Some(&old), Some(entry)).await?;
        }
        let mut done = Rotated::default();
        self.finish(None, &mut done, &entry).await?;
        Ok(done)
    }

    /// Goes on with what a rotation has left: to be run when a host starts.
    pub async fn finish_rotations(
        &self,
        entry: impl Fn(Kind, Option<TenantId>) -> Entry,
    ) -> Result<Rotated, VaultError> {
        let mut done = Rotated::default();
        self.finish(None, &mut done, &entry).await?;
        Ok(done)
    }

    async fn finish(
        &self,
        only: Option<&TenantId>,
        done: &mut Rotated,
        entry: &impl Fn(Kind, Option<TenantId>) -> Entry,
    ) -> Result<(), VaultError> {
        for _ in 0..TRIES {
            let rows = self.store.vault().await?;
            let current = self.store.wrapping_keys().await?;
            let mut round = Round::default();
            for key in &rows.keys {
                if current.first() == Some(&key.wrapped_by) {
                    continue;
                }
                done.rewrapped += round.take(self.rewrap(key).await)?;
            }
            let stuck = !round.failed.is_empty();
            for old in rows.keys.iter().filter(|key| !key.current && only.is_none_or(|only| *only == key.tenant)) {
                let before = round.failed.len();
                done.resealed += self.reseal_all(old, &rows, &mut round).await?;
                let entry = entry(Kind::VaultDataKeyDropped, Some(old.tenant.clone())).with("data-key", old.number);
                let dropped = self.store.drop_data_key(&old.tenant, old.number, entry).await?;
                done.dropped += u64::from(dropped);
                round.again |= !dropped && round.failed.len() == before;
            }
            for name in current.iter().skip(1) {
                let entry = entry(Kind::VaultKeyDropped, None).with("key", name.as_str());
                let dropped = self.store.drop_wrapping_key(name, entry).await?;
                done.dropped += u64::from(dropped);
                round.again |= !dropped && !stuck;
            }
            match round {
                Round { again: true, .. } => {}
                Round { failed, .. } if failed.is_empty() => return Ok(()),
                Round { failed, .. } => return Err(VaultError::Left(failed)),
            }
        }
        Err(VaultError::Busy("a rotation of keys".into()))
    }

    /// Seals anew what is under this data key. Gives how much.
    async fn reseal_all(&self, old: &WrappedKey, rows: &VaultRows, round: &mut Round) -> Result<u64, VaultError> {
        let (mut done, all) = (0, rows.slots.iter().flat_map(|slot| &slot.generations));
        let under: Vec<&SealedSecret> =
            all.filter(|row| row.tenant == old.tenant && row.data_key == old.number).collect();
        // Where one of the two keys does not open, that is said once, not for each row.
        if let Some(first) = under.first()
            && let Err(error) = self.both_keys(first).await
        {
            return round.take(Err(error));
        }
        for row in under {
            done += round.take(self.reseal(row).await)?;
        }
        Ok(done)
    }

    async fn both_keys(&self, row: &SealedSecret) -> Result<(), VaultError> {
        self.key(&row.tenant, row.data_key).await?;
        self.current_key(&row.tenant, row.issued).await.map(drop)
    }

    pub(super) async fn rewrap(&self, old: &WrappedKey) -> Result<bool, VaultError> {
        let key = unwrap(&self.ring, old).await?;
        let wrapped_by = self.wrapping_key().await?;
        let wrapped = self.ring.wrap(&wrapped_by, &key, &seal::context(&old.tenant, old.number)).await?;
        let new = WrappedKey { wrapped_by, wrapped, ..old.clone() };
        Ok(self.store.rewrap(old.clone(), new).await? == Swap::Done)
    }

    pub(super) async fn reseal(&self, old: &SealedSecret) -> Result<bool, VaultError> {
        let key = self.key(&old.tenant, old.data_key).await?.ok_or_else(|| unopened(old))?;
        let plain = seal::open(&key, old).map_err(|_| unopened(old))?;
        let (data_key, key) = self.current_key(&old.tenant, old.issued).await?;
        let row = SealedSecret { data_key, ..old.clone() };
        let new = seal::seal(&key, &*self.rng, row, &plain).map_err(|_| unopened(old))?;
        let done = self.store.reseal(old.clone(), new).await?;
        if !done {
            // Perhaps because that key is not the current one any more.
            self.keys.forget_current(&old.tenant);
        }
        Ok(done)
    }

    /// Seals rows from before there were data keys under one: `direct` is the key that they are sealed under themselves. Gives
    /// how many, and an error for each that does not open. A row that another process has just taken over is no error.
    pub async fn adopt(&self, direct: &Key) -> Result<(u64, Vec<VaultError>), VaultError> {
        let (mut adopted, mut refused) = (0, Vec::new());
        for row in self.direct_rows().await? {
            let Ok(secret) = seal::open_direct(direct, &row) else {
                refused.push(unopened(&row));
                continue;
            };
            let plain = credential::encode(&Credential { access: Some(secret), ..Credential::default() });
            let (data_key, key) = self.current_key(&row.tenant, row.issued).await?;
            let new = SealedSecret { data_key, ..row.clone() };
            let new = seal::seal(&key, &*self.rng, new, &plain).map_err(|_| unopened(&row))?;
            adopted += u64::from(self.store.reseal(row, new).await?);
        }
        Ok((adopted, refused))
    }

    /// Whether there are rows from before there were data keys.
    pub async fn has_direct_rows(&self) -> Result<bool, VaultError> {
        Ok(!self.direct_rows().await?.is_empty())
    }

    async fn direct_rows(&self) -> Result<Vec<SealedSecret>, VaultError> {
        let rows = self.store.secrets().await?;
        Ok(rows.into_iter().filter(|row| row.data_key == DIRECT).collect())
    }
}

/// One look at everything that is under old keys.
#[derive(Default)]
struct Round {
    /// Whether something was changed by others meanwhile, and is to be looked at again.
    again: bool,
    /// What cannot be put under new keys, and why.
    failed: Vec<VaultError>,
}

impl Round {
    /// Takes how one thing went, and counts it. Fails where the storage did: then nothing else would go better.
    fn take(&mut self, one: Result<bool, VaultError>) -> Result<u64, VaultError> {
        match one {
            Ok(done) => {
                self.again |= !done;
                return Ok(u64::from(done));
            }
            Err(error @ VaultError::Store(_)) => return Err(error),
            Err(error) => self.failed.push(error),
        }
        Ok(0)
    }
}

fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Ready => "ready",
        Standing::Renewing { .. } => "renewing",
        Standing::Cooling { .. } => "cooling",
        Standing::ConsentNeeded { .. } => "consent-needed",
        Standing::Revoked { .. } => "revoked",
    }
}
