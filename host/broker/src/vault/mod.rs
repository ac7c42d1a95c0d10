//! Answers for secrets at rest: what goes into storage is sealed, what comes out is opened, and each secret has a generation of
//! its own (INT-5, INT-7, DAT-6).
//!
//! A secret is sealed under its tenant's data key, and that is wrapped by a key-encryption key that is not in the database.
//! [`credential`] is the form of what is sealed, [`keys`] the data keys in use, [`rotate`] replaces keys of both layers while
//! everything goes on, [`turn`] does that for both at once, [`lost`] gives up what has no key any more.
//!
//! Invariants: storage never sees a secret or a data key in the clear; a row that does not open is reported and never used; a
//! generation is added to what the head was when it was read, or not at all; a secret that is too short to be told apart from
//! other text is not taken, since it could not be kept out of answers and logs.

pub(crate) mod credential;
mod keys;
pub mod lost;
pub mod rotate;
#[cfg(test)]
mod tests;
pub mod turn;

use std::{fmt, sync::Arc, time::Duration};

use portcullis_model::{
    audit::Entry,
    connection::{Origin, Standing, Unreadable},
    error::StoreError,
    id::{InstallationId, ProviderId, TenantId},
    secret::{Head, SealedSecret, Secret, SecretPut, SecretStore, Slot, SlotRows, Swap},
    time::{Rng, Timestamp},
    webhook::SIGNING,
};

use crate::{
    issue::Credential,
    key::service::{KeyRing, ServiceError},
    leaks::MIN_PATTERN,
    seal,
};
use keys::DataKeys;

/// The longest secret that is taken, in bytes.
pub const MAX_SECRET: usize = 8 * 1024;

/// How long a generation that is not current any more is kept: longer than any request that carries it, and than any answer to
/// such a request, in which it must be found.
pub const KEPT: Duration = Duration::from_secs(600);

/// How often a change is tried while others change the same thing.
const TRIES: usize = 32;

/// How many of several problems a text lists.
const LISTED: usize = 16;

/// Why the vault could not do what it was asked. Holds names, never a secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VaultError {
    /// A row does not open.
    #[error(
        "secret '{name}'{} of tenant {tenant} does not open, generation {generation}: its key is another one, or the row was changed",
        .installation.as_ref().map_or_else(String::new, |installation| format!(" of installation {installation}"))
    )]
    Unopened {
        /// Whose it is.
        tenant: TenantId,
        /// Of which installation; `None`: a source's, or what the host itself needs.
        installation: Option<InstallationId>,
        /// Its name.
        name: String,
        /// Which generation of it.
        generation: u64,
    },
    /// A key that secrets are sealed under does not open.
    #[error("data key {number} of tenant {tenant}, and so each secret under it: {error}")]
    DataKey {
        /// Whose it is.
        tenant: TenantId,
        /// Its number.
        number: u64,
        /// What is wrong.
        error: Arc<ServiceError>,
    },
    /// What was to be stored is wrong.
    #[error("secret '{name}': {problem}")]
    Invalid {
        /// Its name.
        name: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The key-encryption key cannot be used.
    #[error(transparent)]
    Key(#[from] Arc<ServiceError>),
    /// A rotation of keys is through, but for these: they stay as they are, and so do the keys that they are under.
    #[error(
        "{} of what was to be put under new keys does not open, and stays under the old ones; all else is done: {}",
        .0.len(),
        .0.iter().take(LISTED).map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    Left(Vec<VaultError>),
    /// Others kept changing the same thing.
    #[error("secret '{0}' is being changed by others all the time; try again")]
    Busy(String),
    /// There is nobody any more whose it would be.
    #[error("secret '{0}' is not stored: its installation was uninstalled")]
    Gone(String),
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl VaultError {
    /// Whether it may be another time, with nothing changed: the storage failed, or the program that keeps the key.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Store(_) | Self::Busy(_) => true,
            Self::Key(error) | Self::DataKey { error, .. } => matches!(**error, ServiceError::Program { .. }),
            _ => false,
        }
    }
}

impl From<ServiceError> for VaultError {
    fn from(error: ServiceError) -> Self {
        Self::Key(Arc::new(error))
    }
}

/// A secret that is to be stored.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// For what.
    pub slot: Slot,
    /// Where it goes, as JSON.
    pub place: String,
    /// Where it comes from; absent where no provider is asked for the next one.
    pub origin: Option<Origin>,
    /// The secret itself.
    pub credential: Credential,
    /// When it ends; absent where it does not say.
    pub expires: Option<Timestamp>,
}

impl NewSecret {
    /// One for which no provider is asked, and that does not say when it ends.
    pub fn by_hand(slot: Slot, place: &str, secret: &Secret) -> Self {
        let credential = Credential { access: Some(secret.clone()), ..Credential::default() };
        Self { slot, place: place.to_owned(), origin: None, credential, expires: None }
    }
}

/// A generation out of the vault.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its row.
    pub row: SealedSecret,
    /// Where it comes from, where a provider is asked for the next one.
    pub origin: Option<Origin>,
    /// The secret itself.
    pub credential: Credential,
}

impl Opened {
    /// Whether it is what a back end's messages are signed with, and so in no request.
    pub fn is_ring(&self) -> bool {
        self.row.name == SIGNING && self.row.installation.is_some()
    }

    /// All secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let Credential { access, refresh, client } = &self.credential;
        [access, refresh, client].into_iter().flatten()
    }
}

/// A slot out of the vault.
#[derive(Clone, Debug)]
pub struct OpenedSlot {
    /// Its head.
    pub head: Head,
    /// Those of its generations that open, in their order.
    pub generations: Vec<Arc<Opened>>,
}

impl OpenedSlot {
    /// The current generation, where it opens.
    pub fn current(&self) -> Option<&Arc<Opened>> {
        self.generations.iter().find(|one| one.row.generation == self.head.generation)
    }

    /// Whether its secret may be used: not where it was revoked.
    pub fn in_use(&self) -> bool {
        !matches!(self.head.standing, Standing::Revoked { .. })
    }
}

/// All slots, and an error for each row that does not open.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The storage's revision that this is of.
    pub revision: u64,
    /// The slots.
    pub slots: Vec<OpenedSlot>,
    /// What does not open.
    pub refused: Vec<VaultError>,
    /// The current generations among that.
    pub unread: Vec<Unread>,
}

/// A current generation that does not open.
#[derive(Clone, Debug)]
pub struct Unread {
    /// Its slot's head.
    pub head: Head,
    /// Its row. Nothing vouches for what stands in it.
    pub row: SealedSecret,
    /// Why.
    pub why: Unreadable,
}

/// The vault.
pub struct Vault {
    store: Arc<dyn SecretStore>,
    ring: KeyRing,
    rng: Arc<dyn Rng>,
    keys: DataKeys,
}

impl Vault {
    /// A vault over this storage, with these key-encryption keys.
    pub fn new(store: Arc<dyn SecretStore>, ring: KeyRing, rng: Arc<dyn Rng>) -> Self {
        Self { store, ring, rng, keys: DataKeys::default() }
    }

    /// Stores a secret for which no provider is asked, in place of the one of the same tenant, installation and name. Gives the
    /// generation.
    pub async fn put(
        &self,
        tenant: TenantId,
        installation: Option<InstallationId>,
        name: &str,
        place: &str,
        secret: &Secret,
        entry: Entry,
    ) -> Result<u64, VaultError> {
        let slot = Slot { tenant, installation, name: name.to_owned() };
        self.store_new(NewSecret::by_hand(slot, place, secret), entry).await
    }

    /// Seals a secret as the next generation of its slot, to be stored together with something else. Where the slot or the key has
    /// changed by then, neither is stored.
    ///
    /// # Errors
    /// It is no secret that is taken; storage, or the key.
    pub async fn sealed_for(&self, new: &NewSecret, entry: Entry) -> Result<SecretPut, VaultError> {
        check(new)?;
        // Nobody tries this again where another process has replaced the key since it was looked up.
        self.keys.forget_current(&new.slot.tenant);
        let expected = self.store.slot(&new.slot).await?.map(|rows| rows.head);
        let row = self.sealed(new, expected.as_ref().map_or(1, |head| head.generation + 1), entry.time).await?;
        Ok(SecretPut { row, expected, keep_since: keep_since(&entry), entry })
    }

    /// Seals a secret and makes it the current generation of its slot, whatever that is now: a renewal that is under way finds
    /// that it came too late. Gives the generation.
    pub async fn store_new(&self, new: NewSecret, entry: Entry) -> Result<u64, VaultError> {
        check(&new)?;
        for _ in 0..TRIES {
            let head = self.store.slot(&new.slot).await?.map(|rows| rows.head);
            let generation = head.as_ref().map_or(1, |head| head.generation + 1);
            match self.succeed(&new, head, generation, entry.clone()).await? {
                Swap::Done => return Ok(generation),
                Swap::Gone => return Err(VaultError::Gone(new.slot.name)),
                Swap::Stale | Swap::OtherKey => {}
            }
        }
        Err(VaultError::Busy(new.slot.name))
    }

    /// Seals a secret and makes it the generation after this head, where the slot's head is still that.
    pub(crate) async fn succeed(
        &self,
        new: &NewSecret,
        head: Option<Head>,
        generation: u64,
        entry: Entry,
    ) -> Result<Swap, VaultError> {
        for _ in 0..TRIES {
            let row = self.sealed(new, generation, entry.time).await?;
            match self.store.put_secret(row, head.clone(), keep_since(&entry), entry.clone()).await? {
                // The data key was replaced in between: under the new one then.
                Swap::OtherKey => self.keys.forget_current(&new.slot.tenant),
                swap => return Ok(swap),
            }
        }
        Err(VaultError::Busy(new.slot.name.clone()))
    }

    async fn sealed(&self, new: &NewSecret, generation: u64, issued: Timestamp) -> Result<SealedSecret, VaultError> {
        let Slot { tenant, installation, name } = new.slot.clone();
        let (data_key, key) = self.current_key(&tenant, issued).await?;
        let origin = new.origin.as_ref().map_or_else(String::new, |origin| serde_json::json!(origin).to_string());
        let row = SealedSecret {
            tenant,
            installation,
            name,
            generation,
            place: new.place.clone(),
            origin,
            issued,
            expires: new.expires,
            data_key,
            sealed: Vec::new(),
        };
        let plain = credential::encode(&new.credential);
        seal::seal(&key, &*self.rng, row.clone(), &plain).map_err(|_| unopened(&row))
    }

    /// Opens one.
    pub async fn open(&self, row: &SealedSecret) -> Result<Opened, VaultError> {
        let key = self.key(&row.tenant, row.data_key).await?.ok_or_else(|| unopened(row))?;
        let plain = seal::open(&key, row).map_err(|_| unopened(row))?;
        let credential = credential::decode(&plain).ok_or_else(|| unopened(row))?;
        let origin = match row.origin.as_str() {
            "" => None,
            text => Some(serde_json::from_str(text).map_err(|error| VaultError::Invalid {
                name: row.name.clone(),
                problem: format!("its origin cannot be read: {error}"),
            })?),
        };
        Ok(Opened { row: row.clone(), origin, credential })
    }

    /// One slot as it is in storage now, with its current generation. `None` where there is none.
    pub async fn slot(&self, slot: &Slot) -> Result<Option<(Head, Opened)>, VaultError> {
        let Some(rows) = self.store.slot(slot).await? else { return Ok(None) };
        let current = rows.current().ok_or_else(|| StoreError(format!("{slot} has no current generation")))?;
        Ok(Some((rows.head.clone(), self.open(current).await?)))
    }

    /// What there are secrets for.
    pub async fn slots(&self) -> Result<Vec<Slot>, VaultError> {
        Ok(self.store.secrets().await?.iter().map(SealedSecret::slot).collect())
    }

    /// The generations of a slot that are still kept, in their order; the current one is the last. An older one that does not open
    /// is left out, but where it may open another time: that fails.
    pub async fn generations(&self, slot: &Slot) -> Result<Vec<Opened>, VaultError> {
        let Some(rows) = self.store.slot(slot).await? else { return Ok(Vec::new()) };
        let mut opened = Vec::new();
        for row in &rows.generations {
            match self.open(row).await {
                Ok(one) => opened.push(one),
                Err(error) if error.is_passing() || row.generation == rows.head.generation => return Err(error),
                Err(error) => tracing::warn!(%error, generation = row.generation, "an older credential is left out"),
            }
        }
        Ok(opened)
    }

    /// The provider that a slot's current row names, whether it opens or not. Nothing vouches for it where it does not.
    pub(crate) async fn provider_of(&self, slot: &Slot) -> Result<Option<ProviderId>, VaultError> {
        let rows = self.store.slot(slot).await?;
        let origin = rows.as_ref().and_then(|rows| origin_of(rows.current()?));
        Ok(origin.map(|origin| origin.provider))
    }

    /// This generation of a slot, where it is still kept.
    pub async fn generation(&self, slot: &Slot, generation: u64) -> Result<Option<Opened>, VaultError> {
        let rows = self.store.slot(slot).await?.map_or_else(Vec::new, |rows| rows.generations);
        match rows.into_iter().find(|row| row.generation == generation) {
            Some(row) => Ok(Some(self.open(&row).await?)),
            None => Ok(None),
        }
    }

    /// Whether a generation that was stored at just this time is still kept.
    pub async fn has_of(&self, slot: &Slot, issued: Timestamp) -> Result<bool, VaultError> {
        let rows = self.store.slot(slot).await?;
        Ok(rows.is_some_and(|rows| rows.generations.iter().any(|row| row.issued == issued)))
    }

    /// Deletes a slot with all of its generations. False where there is none.
    pub async fn forget(&self, slot: &Slot) -> Result<bool, VaultError> {
        Ok(self.store.remove_slot(slot).await?)
    }

    /// One slot's head, as it is in storage now.
    pub async fn head(&self, slot: &Slot) -> Result<Option<Head>, VaultError> {
        Ok(self.store.slot(slot).await?.map(|rows| rows.head))
    }

    /// Replaces a slot's head, where it is still `expected`.
    pub(crate) async fn set_head(
        &self,
        slot: &Slot,
        expected: Head,
        head: Head,
        entry: Entry,
    ) -> Result<bool, VaultError> {
        Ok(self.store.set_head(slot, expected, head, entry).await?)
    }

    /// Opens all. What `known` has of the same row is taken from there. Fails only where the storage does.
    pub async fn load_all(&self, known: impl Fn(&SealedSecret) -> Option<Arc<Opened>>) -> Result<Loaded, VaultError> {
        let rows = self.store.vault().await?;
        let mut loaded = Loaded { revision: rows.revision, ..Loaded::default() };
        loaded.refused.extend(self.keys.learn(&self.ring, &rows.keys).await);
        for SlotRows { head, generations } in rows.slots {
            let mut opened = Vec::new();
            for row in &generations {
                match known(row) {
                    Some(one) => opened.push(one),
                    None => match self.open(row).await {
                        Ok(one) => opened.push(Arc::new(one)),
                        Err(error @ VaultError::Store(_)) => return Err(error),
                        Err(error) => {
                            if row.generation == head.generation {
                                let why = if error.is_passing() { Unreadable::ForNow } else { Unreadable::Lost };
                                loaded.unread.push(Unread { head: head.clone(), row: row.clone(), why });
                            }
                            loaded.refused.push(error);
                        }
                    },
                }
            }
            loaded.slots.push(OpenedSlot { head, generations: opened });
        }
        Ok(loaded)
    }

    /// Goes up whenever what [`load_all`](Self::load_all) gives is something else.
    pub async fn revision(&self) -> Result<u64, VaultError> {
        Ok(self.store.secrets_revision().await?)
    }

    /// Deletes what ceased to be current so long ago that nobody uses it any more. Gives how many.
    pub async fn forget_retired(&self, now: Timestamp) -> Result<u64, VaultError> {
        let before = Timestamp(now.0.saturating_sub(KEPT.as_millis() as i64));
        Ok(self.store.forget_retired(before).await?)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

/// Where a row says that it comes from.
pub(crate) fn origin_of(row: &SealedSecret) -> Option<Origin> {
    serde_json::from_str(&row.origin).ok()
}

/// Since when generations must have been current to be kept beside one that is stored with this entry.
fn keep_since(entry: &Entry) -> Timestamp {
    Timestamp(entry.time.0.saturating_sub(KEPT.as_millis() as i64))
}

fn unopened(row: &SealedSecret) -> VaultError {
    VaultError::Unopened {
        tenant: row.tenant.clone(),
        installation: row.installation.clone(),
        name: row.name.clone(),
        generation: row.generation,
    }
}

/// Says what is wrong with a secret that is to be stored.
pub(crate) fn check(new: &NewSecret) -> Result<(), VaultError> {
    let Credential { access, refresh, client } = &new.credential;
    let secrets: Vec<&Secret> = [access, refresh, client].into_iter().flatten().collect();
    if !secrets.is_empty() && secrets.iter().all(|one| (MIN_PATTERN..=MAX_SECRET).contains(&one.expose().len())) {
        return Ok(());
    }
    let problem = format!("must be {MIN_PATTERN} to {MAX_SECRET} bytes long");
    Err(VaultError::Invalid { name: new.slot.name.clone(), problem })
}
