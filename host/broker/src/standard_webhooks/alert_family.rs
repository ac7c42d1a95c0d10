//! The keys that alerts are signed with as a family of what can be rotated (INT-6, INT-8).
//!
//! They are shared secrets: a person must hand the next one over, so an act only ever ends them. What an endpoint is to be told waits
//! until `alert send-to --rotate`; alerts themselves are raised and shown as before. In good order nothing is taken away: the person
//! who rotates hands the new key over while the old one signs as well.
//!
//! Invariants: the operator's keys are in no tenant's extent, whatever a tenant is called; a key that a person made since is left alone,
//! unless one that was to be ended signs beside it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    alert::{AlertOutbox, OPERATOR_SIGNING, SIGNING},
    audit::{Actor, Entry, Kind},
    id::TenantId,
    rotation::{Family, Held, Item, Nature, Renewal},
    time::Clock,
};

use super::alerts::{AlertKeys, AlertKeysError, HOST, Stand};
use crate::{
    issue::Revoked,
    rotation::{Credentials, StepError},
    vault::VaultError,
};

/// What keeps endpoints' signing keys, for acts of rotation.
pub struct AlertEndpointKeys {
    /// The endpoints.
    pub endpoints: Arc<dyn AlertOutbox>,
    /// The keys.
    pub keys: AlertKeys,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who does it.
    pub actor: Actor,
}

impl From<AlertKeysError> for StepError {
    fn from(error: AlertKeysError) -> Self {
        Self::Store(error.to_string())
    }
}

fn held(tenant: Option<TenantId>, stand: Stand) -> Result<Held, StepError> {
    let (tenant, name) = match tenant {
        Some(tenant) => (tenant, SIGNING),
        None => (HOST.parse().map_err(|error| StepError::Store(format!("{error}")))?, OPERATOR_SIGNING),
    };
    Ok(Held {
        item: Item { family: Family::AlertEndpoint, tenant, installation: None, name: name.to_owned() },
        plugin: None,
        provider: None,
        generation: stand.generation,
        issued: Some(stand.since),
        nature: Nature { renewal: Renewal::Person, renewal_ends_old: false, refresh_once: false, revocable: true },
        needs_person: stand.revoked.is_some(),
    })
}

#[async_trait]
impl Credentials for AlertEndpointKeys {
    fn families(&self) -> &'static [Family] {
        &[Family::AlertEndpoint]
    }

    async fn list(&self) -> Result<Vec<Held>, StepError> {
        let mut all = Vec::new();
        for one in self.endpoints.endpoints().await? {
            match self.keys.stand(one.tenant.as_ref()).await {
                Ok(Some(stand)) => all.push(held(one.tenant, stand)?),
                Ok(None) => {}
                // To be asked again: what is left out here is left out of an emergency.
                Err(error @ AlertKeysError::Vault(VaultError::Store(_) | VaultError::Busy(_))) => {
                    return Err(error.into());
                }
                Err(error) => tracing::error!(%error, "the signing keys of an endpoint of alerts are left out"),
            }
        }
        Ok(all)
    }

    async fn revoke_now(&self, item: &Item, generation: u64, _: bool) -> Result<Revoked, StepError> {
        let entry = Entry::new(self.clock.now(), Kind::AlertEndpoint, self.actor.clone(), item.owner().cloned())
            .about("alert-endpoint")
            .with("step", "keys revoked");
        match self.keys.revoke(item.owner(), generation, entry).await? {
            true => Ok(Revoked::Confirmed),
            false => Err(StepError::Gone),
        }
    }

    async fn renew_now(&self, _: &Item, _: u64, _: Duration) -> Result<u64, StepError> {
        let help = "whoever is told of alerts must be given the new key: use 'portcullis alert send-to --rotate'";
        Err(StepError::Refused(help.to_owned()))
    }

    async fn person_needed(&self, item: &Item, generation: u64, _: &str) -> Result<(), StepError> {
        self.revoke_now(item, generation, false).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{
        alert::{AlertSeverity, Endpoint, SignAlerts as _},
        freeze::Extent,
        webhook::{BackEndState, Health, SignError},
    };

    use super::*;
    use crate::{
        standard_webhooks::tests::hand,
        testing::{Counter, entry, store, vault},
    };

    const DAY: Duration = Duration::from_secs(86_400);

    async fn family(owners: &[Option<&TenantId>]) -> (tempfile::TempDir, AlertEndpointKeys) {
        let (dir, store) = store();
        let clock = hand();
        let keys = AlertKeys::new(Arc::new(vault(&store)), clock.clone(), Arc::new(Counter::default()));
        for owner in owners {
            let endpoint = Endpoint {
                tenant: owner.cloned(),
                url: "https://alerts.example.test/".into(),
                least: AlertSeverity::Low,
                state: BackEndState::Active,
                health: Health::default(),
                generation: 1,
            };
            assert!(store.put_endpoint(endpoint, None, None, entry()).await.unwrap());
            keys.make(*owner, Duration::ZERO, entry()).await.unwrap();
        }
        (dir, AlertEndpointKeys { endpoints: store, keys, clock, actor: Actor::Host })
    }

    async fn signatures(family: &AlertEndpointKeys, of: Option<&TenantId>) -> Result<usize, SignError> {
        Ok(family.keys.sign_alert(of, "msg_1", 7, b"{}").await?.split(' ').count())
    }

    #[tokio::test]
    async fn the_operators_keys_are_in_the_extent_of_everything_and_in_no_tenants() {
        let (acme, namesake): (TenantId, TenantId) = ("acme".parse().unwrap(), HOST.parse().unwrap());
        let (_dir, family) = family(&[None, Some(&acme), Some(&namesake)]).await;
        let all = family.list().await.unwrap();
        let within = |extent: &Extent| all.iter().filter(|one| one.is_in(extent)).collect::<Vec<_>>();
        assert_eq!(within(&Extent::All).len(), 3);
        for tenant in [&acme, &namesake] {
            let [own] = within(&Extent::Tenant(tenant.clone()))[..] else { panic!("{tenant}: {all:?}") };
            assert_eq!((own.item.owner(), own.item.name.as_str()), (Some(tenant), SIGNING));
        }
    }

    #[tokio::test]
    async fn ended_at_once_and_signed_again_with_the_key_that_a_person_hands_over() {
        let acme: TenantId = "acme".parse().unwrap();
        let (_dir, family) = family(&[None, Some(&acme)]).await;
        let held = family.list().await.unwrap();
        let own = held.iter().find(|one| one.item.owner() == Some(&acme)).unwrap();
        // The key of before a planned change signs beside the new one: an emergency that began before it ends both.
        family.keys.make(Some(&acme), DAY, entry()).await.unwrap();
        assert_eq!(signatures(&family, Some(&acme)).await, Ok(2));
        for _ in 0..2 {
            assert_eq!(family.revoke_now(&own.item, own.generation, false).await, Ok(Revoked::Confirmed));
            family.person_needed(&own.item, own.generation, "x").await.unwrap();
            assert_eq!(signatures(&family, Some(&acme)).await, Err(SignError::Revoked));
        }
        assert_eq!(signatures(&family, None).await, Ok(1), "the operator's go on");
        let renewed = family.renew_now(&own.item, own.generation, DAY).await;
        assert!(matches!(renewed, Err(StepError::Refused(why)) if why.contains("alert send-to --rotate")));
        // What was revoked signs beside nothing; and what a person made since is left alone.
        family.keys.make(Some(&acme), DAY, entry()).await.unwrap();
        assert_eq!(signatures(&family, Some(&acme)).await, Ok(1));
        family.revoke_now(&own.item, own.generation, false).await.unwrap();
        assert_eq!(signatures(&family, Some(&acme)).await, Ok(1));
    }

    #[tokio::test]
    async fn of_an_endpoint_that_was_taken_away_nothing_is_left_to_end() {
        let (_dir, family) = family(&[None]).await;
        let held = family.list().await.unwrap().remove(0);
        family.keys.forget(None).await.unwrap();
        assert!(family.list().await.unwrap().is_empty());
        assert_eq!(family.revoke_now(&held.item, held.generation, false).await, Err(StepError::Gone));
    }
}
