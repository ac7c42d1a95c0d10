//! Signing keys of back ends as a family of what can be rotated (INT-5, INT-6, INT-8).
//!
//! A key pair rotates by itself: during the overlap the back end is told the new public key by a message that the old key signs too.
//! A shared secret must be handed over by a person, so it is only ever ended here, and its messages wait.
//!
//! Invariant: a generation that was revoked signs nothing any more, and one that a person made since is left alone.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::{InstallationId, PluginId, TenantId},
    installation::InstallationStore,
    rotation::{Family, Held, Item, Nature, Renewal},
    time::Clock,
};

use super::{Channel, KeysError, SigningKeys, key::Scheme};
use crate::{
    issue::Revoked,
    rotation::{Credentials, StepError},
};

/// The name of an item: an installation has one channel.
const NAME: &str = "webhook";

/// What keeps back ends' signing keys, for acts of rotation.
pub struct BackEndKeys {
    /// The keys.
    pub keys: Arc<SigningKeys>,
    /// Of which plugin an installation is.
    pub installations: Arc<dyn InstallationStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who does it.
    pub actor: Actor,
}

impl From<KeysError> for StepError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::NoKey(_) => Self::Gone,
            KeysError::Ring(error) => Self::Refused(error.to_string()),
            other => Self::Store(other.to_string()),
        }
    }
}

fn nature(scheme: Scheme) -> Nature {
    let renewal = match scheme {
        Scheme::Hmac => Renewal::Person,
        Scheme::Ed25519 => Renewal::Own,
    };
    Nature { renewal, renewal_ends_old: false, refresh_once: false, revocable: true }
}

impl BackEndKeys {
    fn held(one: Channel, plugins: &HashMap<InstallationId, PluginId>) -> Held {
        Held {
            plugin: plugins.get(&one.installation).cloned(),
            item: Item {
                family: Family::Backend,
                tenant: one.tenant,
                installation: Some(one.installation),
                name: NAME.to_owned(),
            },
            provider: None,
            generation: one.generation,
            issued: Some(one.since),
            nature: nature(one.scheme),
            needs_person: one.revoked.is_some(),
        }
    }

    fn owner(item: &Item) -> Result<(TenantId, InstallationId), StepError> {
        let installation = item.installation.clone().filter(|_| item.name == NAME).ok_or(StepError::Gone)?;
        Ok((item.tenant.clone(), installation))
    }

    fn entry(&self, kind: Kind, (tenant, installation): &(TenantId, InstallationId)) -> Entry {
        Entry::new(self.clock.now(), kind, self.actor.clone(), Some(tenant.clone()))
            .about(format!("installation:{installation}"))
    }
}

#[async_trait]
impl Credentials for BackEndKeys {
    fn families(&self) -> &'static [Family] {
        &[Family::Backend]
    }

    async fn list(&self) -> Result<Vec<Held>, StepError> {
        let installed = self.installations.installations().await?;
        let plugins = installed.into_iter().map(|one| (one.id, one.plugin)).collect();
        let channels = self.keys.channels().await?;
        Ok(channels.into_iter().map(|one| Self::held(one, &plugins)).collect())
    }

    async fn revoke_now(&self, item: &Item, generation: u64, _: bool) -> Result<Revoked, StepError> {
        let owner = Self::owner(item)?;
        let entry = self.entry(Kind::BackendRevoked, &owner);
        self.keys.revoke(owner, generation, entry).await?;
        Ok(Revoked::Confirmed)
    }

    async fn renew_now(&self, item: &Item, old: u64, overlap: Duration) -> Result<u64, StepError> {
        let owner = Self::owner(item)?;
        let entry = self.entry(Kind::BackendRotated, &owner);
        Ok(self.keys.rotate_from(owner, old, overlap, entry).await?)
    }

    async fn person_needed(&self, item: &Item, generation: u64, _: &str) -> Result<(), StepError> {
        self.revoke_now(item, generation, false).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{
        time::Timestamp,
        webhook::{BackEnds as _, SignError},
    };

    use super::*;
    use crate::standard_webhooks::tests::{World, back_end, create, signs, world};

    async fn family() -> (tempfile::TempDir, BackEndKeys) {
        let World { dir, store, clock, keys } = world();
        assert!(store.put_back_end(back_end("a"), None, None, entry()).await.unwrap());
        (dir, BackEndKeys { keys: Arc::new(keys), installations: store, clock, actor: Actor::Host })
    }

    fn entry() -> Entry {
        Entry::new(Timestamp(0), Kind::BackendRotated, Actor::Host, None)
    }

    #[tokio::test]
    async fn a_key_pair_is_ended_and_minted_and_each_step_can_be_taken_twice() {
        let (_dir, family) = family().await;
        create(&family.keys, "a", Scheme::Ed25519).await;
        let held = family.list().await.unwrap().remove(0);
        assert_eq!((held.generation, held.nature.renewal, held.needs_person), (1, Renewal::Own, false));
        for _ in 0..2 {
            assert_eq!(family.revoke_now(&held.item, 1, false).await, Ok(Revoked::Confirmed));
            assert_eq!(signs(&family.keys, "a").await.err(), Some(SignError::Revoked));
        }
        for _ in 0..2 {
            assert_eq!(family.renew_now(&held.item, 1, Duration::ZERO).await, Ok(3));
            assert_eq!(signs(&family.keys, "a").await.unwrap().len(), 1);
        }
        family.revoke_now(&held.item, 1, false).await.unwrap();
        assert!(signs(&family.keys, "a").await.is_ok(), "what came after it is left alone");
        let planned = family.renew_now(&held.item, 3, Duration::from_secs(60)).await;
        assert_eq!((planned, signs(&family.keys, "a").await.unwrap().len()), (Ok(4), 2));
    }

    #[tokio::test]
    async fn a_shared_secret_waits_for_a_person() {
        let (_dir, family) = family().await;
        create(&family.keys, "a", Scheme::Hmac).await;
        let held = family.list().await.unwrap().remove(0);
        assert_eq!(held.nature.renewal, Renewal::Person);
        family.person_needed(&held.item, held.generation, "x").await.unwrap();
        assert!(family.list().await.unwrap()[0].needs_person);
        let gone = Item { installation: Some("nobody".parse().unwrap()), ..held.item };
        assert_eq!(family.revoke_now(&gone, 1, false).await, Err(StepError::Gone));
    }
}
