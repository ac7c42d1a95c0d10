//! The keys that alerts are signed with: one ring an endpoint, as back ends have them, the operator's under the vault's name for the
//! host itself.
//!
//! Invariant: a key leaves the host once, when it is made.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    alert::{OPERATOR_SIGNING, SIGNING, SignAlerts},
    audit::Entry,
    error::StoreError,
    id::TenantId,
    secret::{Head, Secret, SecretPut, Slot, Swap},
    time::{Clock, Rng, Timestamp},
    webhook::SignError,
};

use super::{
    key::{Scheme, SigningKey},
    ring::{Ring, RingError},
};
use crate::vault::{NewSecret, Vault, VaultError};

/// Under which tenant's name the host's own keys lie in the vault. A tenant that is called so has keys of another name.
pub(super) const HOST: &str = "portcullis";

/// Why a key could not be made. Holds none.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AlertKeysError {
    /// What is stored is no ring.
    #[error("the signing keys of the endpoint cannot be read: {0}")]
    Unreadable(String),
    /// Somebody else changed them at the same moment. Nothing was changed.
    #[error("the signing keys of the endpoint have just been changed by somebody else; try again")]
    Busy,
    /// The change cannot be made now.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// How an endpoint's keys stand, without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// Goes up with each change.
    pub generation: u64,
    /// When the current key became that.
    pub since: Timestamp,
    /// Since when nothing signs, because the keys were revoked.
    pub revoked: Option<Timestamp>,
}

/// The signing keys of all endpoints.
pub struct AlertKeys {
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

/// Where an endpoint's keys lie: a tenant's, or the operator's.
///
/// # Errors
/// Never, with the host's own name as it is.
fn slot(tenant: Option<&TenantId>) -> Result<Slot, VaultError> {
    let (tenant, name) = match tenant {
        Some(tenant) => (tenant.clone(), SIGNING),
        None => (HOST.parse().map_err(|error| StoreError(format!("{error}")))?, OPERATOR_SIGNING),
    };
    Ok(Slot { tenant, installation: None, name: name.to_owned() })
}

impl AlertKeys {
    /// Keys in this vault.
    pub fn new(vault: Arc<Vault>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { vault, clock, rng }
    }

    /// Whether there is a key.
    ///
    /// # Errors
    /// The vault fails.
    pub async fn has(&self, tenant: Option<&TenantId>) -> Result<bool, AlertKeysError> {
        Ok(self.vault.head(&slot(tenant)?).await?.is_some())
    }

    /// Where an endpoint's keys lie: what takes these away together with the endpoint.
    ///
    /// # Errors
    /// Never, with the host's own name as it is.
    pub fn place(tenant: Option<&TenantId>) -> Result<Slot, AlertKeysError> {
        Ok(slot(tenant)?)
    }

    /// Makes an endpoint's first key, and what stores it together with the endpoint. Whatever keys there are end by that: nobody was
    /// shown them.
    ///
    /// # Errors
    /// The vault fails.
    pub async fn first(&self, tenant: Option<&TenantId>, entry: Entry) -> Result<(Secret, SecretPut), AlertKeysError> {
        let ring = Ring::new(SigningKey::fresh(Scheme::Hmac, self.rng.as_ref()), self.clock.now());
        let (place, credential) = ring.row();
        let new = NewSecret { slot: slot(tenant)?, place, origin: None, credential, expires: None };
        Ok((ring.shown(), self.vault.sealed_for(&new, entry).await?))
    }

    /// Whether another key could be [made](Self::make) now: nothing is stored.
    ///
    /// # Errors
    /// Those of making it.
    pub async fn rehearse(&self, tenant: Option<&TenantId>, overlap: Duration) -> Result<(), AlertKeysError> {
        let fresh = || SigningKey::fresh(Scheme::Hmac, self.rng.as_ref());
        if let Some((_, before)) = self.known(&slot(tenant)?).await? {
            before.rotated(overlap, self.clock.now(), fresh)?;
        }
        Ok(())
    }

    /// Makes an endpoint's key, or the next one: the one before signs beside it for `overlap`. Gives what the endpoint is given, this
    /// once.
    ///
    /// # Errors
    /// What is stored cannot be read, somebody else was faster, or the vault fails.
    pub async fn make(
        &self,
        tenant: Option<&TenantId>,
        overlap: Duration,
        entry: Entry,
    ) -> Result<Secret, AlertKeysError> {
        let slot = slot(tenant)?;
        let now = self.clock.now();
        let fresh = || SigningKey::fresh(Scheme::Hmac, self.rng.as_ref());
        let (head, ring) = match self.known(&slot).await? {
            None => (None, Ring::new(fresh(), now)),
            Some((head, before)) => (Some(head), before.rotated(overlap, now, fresh)?),
        };
        self.put(slot, head, &ring, entry).await?;
        Ok(ring.shown())
    }

    /// How an endpoint's keys stand: the generation, since when the current one is that, and since when none signs. None: there are none.
    ///
    /// # Errors
    /// What is stored cannot be read, or the vault fails.
    pub async fn stand(&self, tenant: Option<&TenantId>) -> Result<Option<Stand>, AlertKeysError> {
        let known = self.known(&slot(tenant)?).await?;
        Ok(known.map(|(head, ring)| Stand {
            generation: head.generation,
            since: ring.since(),
            revoked: ring.revoked_since(),
        }))
    }

    /// Ends every key of an endpoint at once, unless no key of this generation signs any more: what it is to be told waits until there
    /// is another. False where there are none.
    ///
    /// # Errors
    /// What is stored cannot be read, somebody else was faster, or the vault fails.
    pub async fn revoke(
        &self,
        tenant: Option<&TenantId>,
        generation: u64,
        entry: Entry,
    ) -> Result<bool, AlertKeysError> {
        let slot = slot(tenant)?;
        let Some((head, ring)) = self.known(&slot).await? else { return Ok(false) };
        let over = head.generation > generation && self.is_over(&slot, generation, &ring).await?;
        if over || ring.revoked_since().is_some() {
            return Ok(true);
        }
        let fresh = || SigningKey::fresh(Scheme::Hmac, self.rng.as_ref());
        self.put(slot, Some(head), &ring.revoked(self.clock.now(), fresh), entry).await?;
        Ok(true)
    }

    /// Whether no key of this generation signs any more. Of one that is not kept any more, or cannot be read, that is not said.
    async fn is_over(&self, slot: &Slot, generation: u64, now: &Ring) -> Result<bool, AlertKeysError> {
        let old = match self.vault.generation(slot, generation).await {
            Ok(Some(old)) => Ring::parse(&old.row.place, &old.credential).ok(),
            Ok(None) | Err(VaultError::Unopened { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(old.is_some_and(|old| !now.signs_with_any_of(&old, self.clock.now())))
    }

    async fn known(&self, slot: &Slot) -> Result<Option<(Head, Ring)>, AlertKeysError> {
        let Some((head, opened)) = self.vault.slot(slot).await? else { return Ok(None) };
        let ring = Ring::parse(&opened.row.place, &opened.credential);
        Ok(Some((head, ring.map_err(|error| AlertKeysError::Unreadable(error.to_string()))?)))
    }

    /// Stores a ring in place of the one that this head was of.
    async fn put(&self, slot: Slot, head: Option<Head>, ring: &Ring, entry: Entry) -> Result<(), AlertKeysError> {
        let (place, credential) = ring.row();
        let generation = head.as_ref().map_or(1, |head| head.generation + 1);
        let new = NewSecret { slot, place, origin: None, credential, expires: None };
        match self.vault.succeed(&new, head, generation, entry).await? {
            Swap::Done => Ok(()),
            Swap::Gone | Swap::Stale | Swap::OtherKey => Err(AlertKeysError::Busy),
        }
    }

    /// Forgets an endpoint's keys.
    ///
    /// # Errors
    /// The vault fails.
    pub async fn forget(&self, tenant: Option<&TenantId>) -> Result<(), AlertKeysError> {
        Ok(self.vault.forget(&slot(tenant)?).await.map(drop)?)
    }
}

#[async_trait]
impl SignAlerts for AlertKeys {
    async fn sign_alert(
        &self,
        tenant: Option<&TenantId>,
        id: &str,
        timestamp: i64,
        payload: &[u8],
    ) -> Result<String, SignError> {
        let unreadable = |error: VaultError| SignError::Unreadable(error.to_string());
        let slot = slot(tenant).map_err(unreadable)?;
        let (_, opened) = self.vault.slot(&slot).await.map_err(unreadable)?.ok_or(SignError::NoKey)?;
        let ring = Ring::parse(&opened.row.place, &opened.credential)
            .map_err(|error| SignError::Unreadable(error.to_string()))?;
        ring.sign(self.clock.now(), id, timestamp, payload).ok_or(SignError::Revoked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        standard_webhooks::{key::SigningKey, tests::hand},
        testing::{Counter, entry, store, vault},
    };

    const DAY: Duration = Duration::from_secs(86_400);

    async fn signs(keys: &AlertKeys, tenant: Option<&TenantId>) -> Result<Vec<String>, SignError> {
        let header = keys.sign_alert(tenant, "msg_1", 7, b"{}").await?;
        Ok(header.split(' ').map(str::to_owned).collect())
    }

    fn by(shown: &Secret) -> String {
        SigningKey::parse(shown).unwrap().sign("msg_1", 7, b"{}")
    }

    #[tokio::test]
    async fn the_operator_and_each_tenant_have_keys_of_their_own_whatever_a_tenant_is_called() {
        let (_dir, store) = store();
        let clock = hand();
        let keys = AlertKeys::new(Arc::new(vault(&store)), clock.clone(), Arc::new(Counter::default()));
        let (acme, namesake): (TenantId, TenantId) = ("acme".parse().unwrap(), HOST.parse().unwrap());
        let owners = [None, Some(&acme), Some(&namesake)];
        let mut made = Vec::new();
        for owner in owners {
            assert_eq!(signs(&keys, owner).await.err(), Some(SignError::NoKey));
            made.push(keys.make(owner, Duration::ZERO, entry()).await.unwrap());
        }
        for (owner, key) in owners.into_iter().zip(&made) {
            assert_eq!(signs(&keys, owner).await.unwrap(), [by(key)]);
        }
        // Another: both sign until the overlap is over.
        let next = keys.make(None, DAY, entry()).await.unwrap();
        assert_eq!(signs(&keys, None).await.unwrap(), [by(&next), by(&made[0])]);
        clock.set(Timestamp(0).plus(DAY));
        assert_eq!(signs(&keys, None).await.unwrap(), [by(&next)]);
        keys.forget(None).await.unwrap();
        assert!(!keys.has(None).await.unwrap() && keys.has(Some(&namesake)).await.unwrap());
    }
}
