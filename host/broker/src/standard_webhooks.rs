//! Answers for the signatures on what the host posts to back ends, by Standard Webhooks 1.0.0, and for the keys that make them
//! (INT-8).
//!
//! - [`key`] is one key, and its signature of one message;
//! - [`ring`] is all keys of one channel: pending, current, previous;
//! - [`family`] is what acts of rotation do with them;
//! - [`alerts`] are those of who is told of alerts, [`alert_family`] what acts of rotation do with these;
//! - this file keeps rings in the vault, rotates them, and signs with those that are in use.
//!
//! Invariants: each back end has keys of its own, in one slot of the vault, of which each change is one generation: none is half done,
//! and of two at once one is refused; a key that can be
//! kept secret leaves the host once, when it is made; the previous key signs beside the current one until its overlap ends, and
//! not a moment longer; no error's text, `Debug` form or log line holds a key.

pub mod alert_family;
pub mod alerts;
pub mod family;
pub mod key;
pub mod ring;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::{InstallationId, TenantId},
    secret::{Head, Secret, SecretPut, Slot, Swap},
    time::{Clock, Rng, Timestamp},
    webhook::{BackEnds, SIGNING, SignError, SignWebhooks},
};

use self::{
    key::{KeyError, Scheme, SigningKey},
    ring::{KeyInfo, Ready, Ring, RingError},
};
use crate::vault::{NewSecret, Vault, VaultError};

/// The longest overlap of two keys.
pub const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 3600);

/// Why keys could not be kept or changed. Holds none of them.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeysError {
    /// There are none.
    #[error("there is no signing key for installation {0}; 'portcullis backend set' makes one")]
    NoKey(InstallationId),
    /// What is stored is no ring.
    #[error("the signing keys of installation {installation} cannot be read: {problem}")]
    Unreadable {
        /// Whose.
        installation: InstallationId,
        /// What is wrong.
        problem: String,
    },
    /// Somebody else changed them at the same moment. Nothing was changed.
    #[error("the signing keys of installation {0} have just been changed by somebody else; look at them and try again")]
    Busy(InstallationId),
    /// The change cannot be made now.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of making or changing a key.
#[derive(Clone, Debug)]
pub struct Made {
    /// What the back end is given, this once: `whsec_...`, or the public `whpk_...`. Where a key that was ready [signs](Ready::Signs), it was
    /// given already, and is for nobody.
    pub shown: Secret,
    /// What became of a key that was made ready before.
    pub ready: Ready,
    /// How it signs.
    pub scheme: Scheme,
    /// Goes up with each change of the ring.
    pub generation: u64,
    /// Until when the key before it signs as well; `None`: it does not.
    pub previous_until: Option<Timestamp>,
}

/// What would come of making or changing a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    /// What would become of a key that was made ready before.
    pub ready: Ready,
    /// Until when the key before would sign as well; `None`: it would not, or would go on as the one that signs.
    pub previous_until: Option<Timestamp>,
}

/// A channel's keys as they stand, without them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// In which tenant.
    pub tenant: TenantId,
    /// To the back end of which installation.
    pub installation: InstallationId,
    /// Goes up with each change.
    pub generation: u64,
    /// How the current key signs. A shared secret can be replaced only where a person hands it over; of a key pair the back end
    /// is told the new public key by a message that the old key signs too.
    pub scheme: Scheme,
    /// When the current key became that.
    pub since: Timestamp,
    /// Since when nothing signs, because the keys were revoked.
    pub revoked: Option<Timestamp>,
}

/// Whose keys.
type Owner = (TenantId, InstallationId);

/// The signing keys of all back ends.
pub struct SigningKeys {
    back_ends: Arc<dyn BackEnds>,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl SigningKeys {
    /// Keys of these back ends, in this vault.
    pub fn new(back_ends: Arc<dyn BackEnds>, vault: Arc<Vault>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { back_ends, vault, clock, rng }
    }

    /// Whether a channel has keys, whatever can be read of them.
    ///
    /// # Errors
    /// Storage.
    pub async fn has(&self, of: &Owner) -> Result<bool, KeysError> {
        Ok(self.vault.head(&slot(of)).await?.is_some())
    }

    /// Makes a channel's first key, and what stores it together with its back end. Whatever keys there are end by that: nobody was shown
    /// them.
    ///
    /// # Errors
    /// The vault, or storage.
    pub async fn first(&self, of: &Owner, scheme: Scheme, entry: Entry) -> Result<(Made, SecretPut), KeysError> {
        let ring = Ring::new(SigningKey::fresh(scheme, self.rng.as_ref()), self.clock.now());
        let (new, entry) = row(of, &ring, entry);
        let put = self.vault.sealed_for(&new, entry).await?;
        Ok((made(&ring, put.row.generation), put))
    }

    /// Makes the next key and does not sign with it yet, so that the back end can be given it beforehand. Replaces one that was made
    /// ready before. `scheme`: the current key's, where none is given.
    pub async fn prepare(&self, of: Owner, scheme: Option<Scheme>, entry: Entry) -> Result<Made, KeysError> {
        let (head, ring) = self.known(&of).await?;
        let key = SigningKey::fresh(scheme.unwrap_or(ring.scheme()), self.rng.as_ref());
        let shown = key.shown();
        let made = self.put(of, Some(head), ring.prepared(key, self.clock.now()), entry).await?;
        Ok(Made { shown, ready: ring.ready(None), ..made })
    }

    /// Replaces the current key: by the one that was made ready, if there is one, or else by a fresh one. The old one signs beside
    /// it for `overlap`. No overlap means an emergency: every key that there was ends at once, the one made ready included.
    pub async fn rotate(
        &self,
        of: Owner,
        scheme: Option<Scheme>,
        overlap: Duration,
        entry: Entry,
    ) -> Result<Made, KeysError> {
        let (head, ring) = self.known(&of).await?;
        self.rotate_at(of, head, &ring, scheme, overlap, entry).await
    }

    /// What would come of [`rotate`](Self::rotate) with this overlap, or, where that is none, of [`prepare`](Self::prepare).
    ///
    /// # Errors
    /// As theirs.
    pub async fn rehearse(&self, of: &Owner, overlap: Option<Duration>) -> Result<Rehearsed, KeysError> {
        let (_, ring) = self.known(of).await?;
        let ready = ring.ready(overlap);
        let Some(overlap) = overlap else { return Ok(Rehearsed { ready, previous_until: None }) };
        let fresh = || SigningKey::fresh(ring.scheme(), self.rng.as_ref());
        let next = ring.rotated(overlap, self.clock.now(), fresh)?;
        Ok(Rehearsed { ready, previous_until: next.previous_until() })
    }

    async fn rotate_at(
        &self,
        of: Owner,
        head: Head,
        ring: &Ring,
        scheme: Option<Scheme>,
        overlap: Duration,
        entry: Entry,
    ) -> Result<Made, KeysError> {
        let scheme = scheme.unwrap_or(ring.scheme());
        let next = ring.rotated(overlap, self.clock.now(), || SigningKey::fresh(scheme, self.rng.as_ref()))?;
        let until = next.previous_until();
        let entry = match until {
            Some(until) => entry.with("previous-until", until.to_string()),
            None => entry,
        };
        let made = self.put(of, Some(head), next, entry).await?;
        Ok(Made { ready: ring.ready(Some(overlap)), ..made })
    }

    /// As [`rotate`](Self::rotate), where this generation is still the newest or was revoked since; without an overlap, also where
    /// a key of that generation signs still. Gives the generation that signs.
    pub async fn rotate_from(&self, of: Owner, old: u64, overlap: Duration, entry: Entry) -> Result<u64, KeysError> {
        let (head, ring) = self.known(&of).await?;
        let newer = head.generation > old && ring.revoked_since().is_none();
        if newer && (!overlap.is_zero() || self.is_over(&of, old, &ring).await?) {
            return Ok(head.generation);
        }
        Ok(self.rotate_at(of, head, &ring, None, overlap, entry).await?.generation)
    }

    /// Ends every key there is, at once, unless no key of this generation signs any more: messages wait until a rotation.
    pub async fn revoke(&self, of: Owner, generation: u64, entry: Entry) -> Result<(), KeysError> {
        let (head, ring) = self.known(&of).await?;
        let over = head.generation > generation && self.is_over(&of, generation, &ring).await?;
        if over || ring.revoked_since().is_some() {
            return Ok(());
        }
        let fresh = || SigningKey::fresh(ring.scheme(), self.rng.as_ref());
        self.put(of, Some(head), ring.revoked(self.clock.now(), fresh), entry).await.map(drop)
    }

    /// Whether no key of this generation signs any more. A newer generation says nothing about that: making a key ready is one, and
    /// an overlap. Of a generation that is not kept any more, or cannot be read, it is not known, and so not said.
    async fn is_over(&self, of: &Owner, generation: u64, now: &Ring) -> Result<bool, KeysError> {
        let old = match self.vault.generation(&slot(of), generation).await {
            Ok(Some(old)) => Ring::parse(&old.row.place, &old.credential).ok(),
            Ok(None) | Err(VaultError::Unopened { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(old.is_some_and(|old| !now.signs_with_any_of(&old, self.clock.now())))
    }

    /// All channels that have keys which can be read. Fails where it cannot be told whether they can.
    pub async fn channels(&self) -> Result<Vec<Channel>, KeysError> {
        let mut all = Vec::new();
        for one in self.back_ends.back_ends().await? {
            let (tenant, installation) = (one.tenant, one.installation);
            match self.known(&(tenant.clone(), installation.clone())).await {
                Ok((head, ring)) => all.push(Channel {
                    tenant,
                    installation,
                    generation: head.generation,
                    scheme: ring.scheme(),
                    since: ring.since(),
                    revoked: ring.revoked_since(),
                }),
                // Not this channel's fault, and to be asked again: what is left out here is left out of an emergency.
                Err(error @ (KeysError::Store(_) | KeysError::Vault(VaultError::Store(_) | VaultError::Busy(_)))) => {
                    return Err(error);
                }
                Err(error) => tracing::error!(%error, "the signing keys of a back end are left out"),
            }
        }
        Ok(all)
    }

    /// What keys there are: never the keys, but for those that are public.
    pub async fn describe(&self, of: &Owner) -> Result<Vec<KeyInfo>, KeysError> {
        Ok(self.known(of).await?.1.describe(self.clock.now()))
    }

    async fn known(&self, of: &Owner) -> Result<(Head, Ring), KeysError> {
        let (head, opened) = self.vault.slot(&slot(of)).await?.ok_or_else(|| KeysError::NoKey(of.1.clone()))?;
        let unreadable =
            |error: KeyError| KeysError::Unreadable { installation: of.1.clone(), problem: error.to_string() };
        let ring = Ring::parse(&opened.row.place, &opened.credential).map_err(unreadable)?;
        Ok((head, ring))
    }

    /// Stores a ring in place of the one that this head was of.
    async fn put(&self, of: Owner, head: Option<Head>, ring: Ring, entry: Entry) -> Result<Made, KeysError> {
        let (new, entry) = row(&of, &ring, entry);
        let generation = head.as_ref().map_or(1, |head| head.generation + 1);
        match self.vault.succeed(&new, head, generation, entry).await? {
            Swap::Done => Ok(made(&ring, generation)),
            Swap::Gone => Err(VaultError::Gone(SIGNING.to_owned()).into()),
            Swap::Stale | Swap::OtherKey => Err(KeysError::Busy(of.1)),
        }
    }
}

/// A ring as it is stored, and what the log says of it.
fn row(of: &Owner, ring: &Ring, entry: Entry) -> (NewSecret, Entry) {
    let (place, credential) = ring.row();
    let mut entry = entry.with("scheme", ring.scheme().name()).with("name", SIGNING);
    if let Some(public) = ring.public() {
        entry = entry.with("public", public);
    }
    (NewSecret { slot: slot(of), place, origin: None, credential, expires: None }, entry)
}

fn made(ring: &Ring, generation: u64) -> Made {
    let previous_until = ring.previous_until();
    Made { shown: ring.shown(), ready: Ready::None, scheme: ring.scheme(), generation, previous_until }
}

/// Where a channel's keys lie.
fn slot((tenant, installation): &Owner) -> Slot {
    Slot { tenant: tenant.clone(), installation: Some(installation.clone()), name: SIGNING.to_owned() }
}

#[async_trait]
impl SignWebhooks for SigningKeys {
    async fn sign(
        &self,
        tenant: &TenantId,
        installation: &InstallationId,
        id: &str,
        timestamp: i64,
        payload: &[u8],
    ) -> Result<String, SignError> {
        let of = (tenant.clone(), installation.clone());
        let (_, ring) = self.known(&of).await.map_err(|error| match error {
            KeysError::NoKey(_) => SignError::NoKey,
            other => SignError::Unreadable(other.to_string()),
        })?;
        ring.sign(self.clock.now(), id, timestamp, payload).ok_or(SignError::Revoked)
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys(…)")
    }
}

#[cfg(test)]
mod tests;
