//! New keys of both layers, as a person asks for them: the key-encryption key in its file, the data keys, or both.
//!
//! Invariants: who replaces the keys of a file has the file to themselves to the end; what one layer could not do is no reason to leave
//! the other as it is.

use portcullis_model::{
    audit::{Entry, Kind},
    id::TenantId,
};

use super::{Vault, VaultError, rotate::Rotated};
use crate::key::{KeyError, file::FileKeys};

/// Which keys are to be new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those of both layers.
    All,
    /// The data keys: all of them, or this tenant's.
    Data(Option<TenantId>),
    /// The key-encryption key.
    Wrapping,
}

impl Wanted {
    fn wrapping(&self) -> bool {
        matches!(self, Self::All | Self::Wrapping)
    }

    /// Of which tenants the data keys are meant: of all, or of one. None: no data keys are.
    fn data(&self) -> Option<Option<&TenantId>> {
        match self {
            Self::All => Some(None),
            Self::Data(only) => Some(only.as_ref()),
            Self::Wrapping => None,
        }
    }
}

/// Why keys were not replaced, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The file of the key-encryption key.
    #[error(transparent)]
    File(#[from] KeyError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Vault {
    /// Seals everything under new keys, while everything goes on. `file` is where the key-encryption key lies; without one nothing new is
    /// made there, and data keys are wrapped by what its keeper names first. `entry` makes the audit entries.
    ///
    /// # Errors
    /// What could not be done, of the first layer that has any. What was cut off goes on when this is asked for again.
    pub async fn rotate_keys(
        &self,
        wanted: &Wanted,
        file: Option<&FileKeys>,
        entry: impl Fn(Kind, Option<TenantId>) -> Entry,
    ) -> Result<Rotated, TurnError> {
        let mut done = Rotated::default();
        let wrapping = match wanted.wrapping() {
            true => self.turn_wrapping_key(file, &entry).await,
            false => Ok(Rotated::default()),
        };
        let data = match wanted.data() {
            Some(only) => self.rotate_data_keys(only, &entry).await,
            None => Ok(Rotated::default()),
        };
        done.add(&wrapping?);
        done.add(&data?);
        Ok(done)
    }

    /// What [`Self::rotate_keys`] has to do now, counted. Nothing is changed.
    ///
    /// # Errors
    /// The storage, or whoever keeps the key-encryption key.
    pub async fn count_keys(&self, wanted: &Wanted, in_file: bool) -> Result<Rotated, VaultError> {
        let (rows, mut plan) = (self.store.vault().await?, Rotated::default());
        if wanted.wrapping() {
            let current = self.store.wrapping_keys().await?;
            if in_file || current.first() != Some(&self.ring.preferred().await?) {
                plan.rewrapped = rows.keys.len() as u64;
                plan.dropped += u64::from(!current.is_empty());
            }
        }
        if let Some(only) = wanted.data() {
            let concerns = |tenant: &TenantId| only.is_none_or(|only| only == tenant);
            plan.made = rows.keys.iter().filter(|key| key.current && concerns(&key.tenant)).count() as u64;
            plan.dropped += rows.keys.iter().filter(|key| concerns(&key.tenant)).count() as u64;
            let sealed = rows.slots.iter().flat_map(|slot| &slot.generations);
            plan.resealed = sealed.filter(|row| concerns(&row.tenant)).count() as u64;
        }
        Ok(plan)
    }

    async fn turn_wrapping_key(
        &self,
        file: Option<&FileKeys>,
        entry: &impl Fn(Kind, Option<TenantId>) -> Entry,
    ) -> Result<Rotated, TurnError> {
        // Held to the end: of two at once, one would take the other's new key for one that nobody needs.
        let file = file.map(FileKeys::rotation).transpose()?;
        let current = self.store.wrapping_keys().await.map_err(VaultError::from)?;
        if let Some(file) = &file {
            file.add(current.first().map(String::as_str))?;
        }
        let done = self.rotate_wrapping_key(entry).await;
        if let Some(file) = &file {
            // What wraps nothing is of no use to anybody but a thief of an old copy.
            file.keep(&self.store.wrapping_keys().await.map_err(VaultError::from)?)?;
        }
        Ok(done?)
    }
}

impl Rotated {
    fn add(&mut self, other: &Self) {
        self.made += other.made;
        self.rewrapped += other.rewrapped;
        self.resealed += other.resealed;
        self.dropped += other.dropped;
    }
}
