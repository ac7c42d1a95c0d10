//! Answers for what sources of events sign with (INT-8): a new secret is accepted beside the present one until the overlap is over,
//! then takes its place.
//!
//! A new secret waits in a slot of its own while both are accepted; the present one stays where it is. So nobody who reads the two
//! slots and the times a moment apart refuses what a sender may still sign with.
//!
//! Invariants: a secret that was revoked is accepted by nobody, and deleted; a new secret is shown to whoever
//! rotates it, once, and to nobody else.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    id::{SourceName, TenantId},
    privacy::ORIGIN,
    rotation::{Family, Held, Item, Nature, Renewal, RotationStore, SourceKeys},
    secret::{Secret, SecretPut},
    source::{Added, MOST, NewSource, Source, SourceStore},
    time::{Clock, Rng, Timestamp},
};
use serde_json::json;

use super::credentials::{Credentials, StepError};
use crate::{
    connection::Connections,
    hmac::same,
    issue::Revoked,
    vault::{NewSecret, Vault, VaultError},
};

/// Why a source was not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRegistered {
    /// The host itself asks plugins under this name.
    #[error("'{0}' is the name under which the host itself asks plugins; take another")]
    OfTheHost(SourceName),
    /// The name is taken.
    #[error("there is a source '{0}' already")]
    Taken(SourceName),
    /// Its tenant has as many as a tenant may.
    #[error("tenant {0} has {most} sources, the most of one tenant: take one away that is not needed any more", most = MOST)]
    TooMany(TenantId),
    /// A step failed.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl From<StoreError> for NotRegistered {
    fn from(error: StoreError) -> Self {
        Self::Step(error.into())
    }
}

/// What keeps sources' secrets.
#[derive(Clone)]
pub struct Sources {
    /// The sources.
    pub sources: Arc<dyn SourceStore>,
    /// How their secrets stand.
    pub keys: Arc<dyn RotationStore>,
    /// The secrets, sealed.
    pub vault: Arc<Vault>,
    /// The secrets in use.
    pub connections: Arc<Connections>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// For new secrets.
    pub rng: Arc<dyn Rng>,
    /// Who does it.
    pub actor: Actor,
}

impl Sources {
    /// A fresh secret: 256 bits, with a prefix by which scanners know it.
    pub fn fresh(&self) -> Secret {
        Secret::new(format!("pcs_{}", hex::encode(self.random())).into_bytes())
    }

    /// Whether a source can be registered under this name.
    ///
    /// # Errors
    /// The name is taken, or the host's own; its tenant has [`MOST`].
    pub async fn check_new(&self, source: &Source) -> Result<(), NotRegistered> {
        let name = &source.name;
        if name.as_str() == ORIGIN {
            return Err(NotRegistered::OfTheHost(name.clone()));
        }
        let all = self.sources.sources().await?;
        if all.iter().any(|known| known.name == *name) {
            return Err(NotRegistered::Taken(name.clone()));
        }
        match all.iter().filter(|known| known.tenant == source.tenant).count() < MOST {
            true => Ok(()),
            false => Err(NotRegistered::TooMany(source.tenant.clone())),
        }
    }

    /// Registers a source with its secret.
    ///
    /// # Errors
    /// As [`Sources::check_new`], or storage.
    pub async fn add(&self, source: &Source, secret: &Secret) -> Result<(), NotRegistered> {
        self.check_new(source).await?;
        let entry = self.entry(Kind::SourceAdded, source).with("form", json!(source.form));
        let keys = SourceKeys { issued: Some(self.clock.now()), ..SourceKeys::default() };
        let secret = self.sealed(source, secret).await.map_err(kept)?;
        let new = NewSource { source: source.clone(), keys, secret: Some(secret) };
        match self.sources.add_source(new, entry).await? {
            Added::Done => Ok(self.reload().await?),
            Added::Taken => Err(NotRegistered::Taken(source.name.clone())),
            Added::TooMany => Err(NotRegistered::TooMany(source.tenant.clone())),
            Added::Stale => Err(kept(VaultError::Busy(source.secret_name())).into()),
        }
    }

    async fn sealed(&self, source: &Source, secret: &Secret) -> Result<SecretPut, VaultError> {
        let new = NewSecret::by_hand(source.slot(source.secret_name()), "{}", secret);
        self.vault.sealed_for(&new, self.entry(Kind::ConnectionAdded, source)).await
    }

    /// Takes a source away with its secrets: what it sends is refused from then on.
    ///
    /// # Errors
    /// [`StepError::Gone`], or storage.
    pub async fn remove(&self, source: &Source) -> Result<(), StepError> {
        let entry = self.entry(Kind::SourceRemoved, source).with("form", json!(source.form));
        if !self.sources.remove_source(source, entry).await? {
            return Err(StepError::Gone);
        }
        self.reload().await
    }

    /// Takes a new secret into use. The present one goes on beside it for `overlap`; not at all where that is nothing, or where it was
    /// revoked. Gives until when.
    pub async fn rotate(
        &self,
        source: &Source,
        new: &Secret,
        overlap: Duration,
    ) -> Result<Option<Timestamp>, StepError> {
        let (before, now) = (self.of(source).await?, self.clock.now());
        let promote_at = (before.revoked.is_none() && !overlap.is_zero()).then(|| now.plus(overlap));
        let name = if promote_at.is_some() { source.next_secret_name() } else { source.secret_name() };
        if promote_at.is_none() && before.promote_at.is_some() {
            // One that was to take the place, and never will: nor where this is cut off before it is on record.
            self.put(source, &source.next_secret_name(), new).await?;
        }
        self.put(source, &name, new).await?;
        let keys = SourceKeys { generation: before.generation + 1, issued: Some(now), promote_at, revoked: None };
        let mut entry = self.entry(Kind::SourceRotated, source).with("generation", keys.generation);
        if let Some(until) = promote_at {
            entry = entry.with("both-until", until.to_string());
        }
        self.note(source, keys, vec![entry]).await?;
        if promote_at.is_none() && before.promote_at.is_some() {
            self.forget(source, &source.next_secret_name()).await?;
        }
        self.reload().await?;
        Ok(promote_at)
    }

    /// How long an old secret goes on beside a new one in this tenant, as the host's policy and the tenant's say.
    ///
    /// # Errors
    /// Storage.
    pub async fn overlap(&self, tenant: &TenantId) -> Result<Duration, StoreError> {
        super::overlap(self.keys.as_ref(), Some(tenant)).await
    }

    /// Lets those new secrets take their place whose overlap is over. Gives how many are not through yet.
    pub async fn promote(&self) -> Result<usize, StepError> {
        let (all, now, mut open) = (self.sources.source_keys().await?, self.clock.now(), 0);
        for source in self.sources.sources().await? {
            let Some((_, keys)) = all.iter().find(|(name, _)| *name == source.name) else { continue };
            match keys.promote_at {
                Some(at) => open += usize::from(at > now || !self.promote_one(&source, keys).await?),
                // Only now has everybody read that the copy is not needed any more.
                None if keys.revoked.is_none() && self.has_same_next(&source) => {
                    self.forget(&source, &source.next_secret_name()).await?;
                    self.reload().await?;
                }
                None => {}
            }
        }
        Ok(open)
    }

    fn has_same_next(&self, source: &Source) -> bool {
        let secret = |name: String| self.connections.inbound(&source.tenant, &name);
        let both = secret(source.secret_name()).zip(secret(source.next_secret_name()));
        both.is_some_and(|(current, next)| same(current.expose(), next.expose()))
    }

    /// First the new one into the place of the old one; and once that was seen to be in use, the end of the overlap.
    async fn promote_one(&self, source: &Source, keys: &SourceKeys) -> Result<bool, StepError> {
        let Some(next) = self.connections.inbound(&source.tenant, &source.next_secret_name()) else {
            return Err(StepError::Store(format!("the new secret of source '{}' does not open", source.name)));
        };
        if !self.has_same_next(source) {
            self.put(source, &source.secret_name(), &next).await?;
            self.reload().await?;
            return Ok(false);
        }
        let keys = SourceKeys { promote_at: None, ..keys.clone() };
        self.note(source, keys, Vec::new()).await?;
        Ok(true)
    }

    async fn revoke(&self, source: &Source) -> Result<(), StepError> {
        let before = self.of(source).await?;
        if before.revoked.is_none() {
            let keys = SourceKeys { promote_at: None, revoked: Some(self.clock.now()), ..before };
            let entry = self.entry(Kind::SourceRevoked, source);
            self.note(source, keys, vec![entry]).await?;
        }
        self.forget(source, &source.secret_name()).await?;
        // Whatever is on record: a rotation that was cut off has left one of which nothing is.
        self.forget(source, &source.next_secret_name()).await?;
        self.reload().await
    }

    /// How the secrets of this source stand.
    pub async fn of(&self, source: &Source) -> Result<SourceKeys, StepError> {
        let all = self.sources.source_keys().await?;
        Ok(all.into_iter().find(|(name, _)| *name == source.name).map(|(_, keys)| keys).unwrap_or_default())
    }

    async fn source(&self, item: &Item) -> Result<Source, StepError> {
        let all = self.sources.sources().await?;
        let found = all.into_iter().find(|one| one.name.as_str() == item.name && one.tenant == item.tenant);
        found.ok_or(StepError::Gone)
    }

    /// Writes how its secrets stand, where it is there still and its tenant's.
    async fn note(&self, source: &Source, keys: SourceKeys, entries: Vec<Entry>) -> Result<(), StepError> {
        match self.keys.put_source_keys(source, keys, entries).await? {
            true => Ok(()),
            false => Err(StepError::Gone),
        }
    }

    async fn put(&self, source: &Source, name: &str, secret: &Secret) -> Result<(), StepError> {
        let entry = self.entry(Kind::ConnectionAdded, source);
        let put = self.vault.put(source.tenant.clone(), None, name, "{}", secret, entry).await;
        put.map(drop).map_err(kept)
    }

    async fn forget(&self, source: &Source, name: &str) -> Result<(), StepError> {
        self.vault.forget(&source.slot(name.to_owned())).await.map(drop).map_err(kept)
    }

    async fn reload(&self) -> Result<(), StepError> {
        self.connections.refresh().await.map(drop).map_err(kept)
    }

    fn random(&self) -> [u8; 32] {
        let mut bytes = [0u8; 32];
        self.rng.fill(&mut bytes);
        bytes
    }

    fn entry(&self, kind: Kind, source: &Source) -> Entry {
        let entry = Entry::new(self.clock.now(), kind, self.actor.clone(), Some(source.tenant.clone()));
        entry.about(format!("source:{}", source.name))
    }
}

fn kept(error: impl std::fmt::Display) -> StepError {
    StepError::Store(error.to_string())
}

#[async_trait]
impl Credentials for Sources {
    fn families(&self) -> &'static [Family] {
        &[Family::Source]
    }

    async fn list(&self) -> Result<Vec<Held>, StepError> {
        let mut all = Vec::new();
        for source in self.sources.sources().await? {
            let keys = self.of(&source).await?;
            let renewal = Renewal::Person;
            all.push(Held {
                item: Item {
                    family: Family::Source,
                    tenant: source.tenant,
                    installation: None,
                    name: source.name.to_string(),
                },
                plugin: None,
                provider: None,
                generation: keys.generation,
                issued: keys.issued,
                nature: Nature { renewal, renewal_ends_old: false, refresh_once: false, revocable: true },
                needs_person: keys.revoked.is_some(),
            });
        }
        Ok(all)
    }

    async fn revoke_now(&self, item: &Item, generation: u64, _: bool) -> Result<Revoked, StepError> {
        let source = self.source(item).await?;
        // A newer one was given by a person in between, and is not what was to be revoked.
        if self.of(&source).await?.generation == generation {
            self.revoke(&source).await?;
        }
        Ok(Revoked::Confirmed)
    }

    async fn renew_now(&self, _: &Item, _: u64, _: Duration) -> Result<u64, StepError> {
        Err(StepError::Refused("whoever sends must be told the new secret: use 'portcullis source rotate'".to_owned()))
    }

    async fn person_needed(&self, item: &Item, generation: u64, _: &str) -> Result<(), StepError> {
        self.revoke_now(item, generation, false).await.map(drop)
    }
}
