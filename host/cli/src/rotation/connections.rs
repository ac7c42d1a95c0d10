//! Credentials that were stored by hand, as acts of rotation see them: nothing can mint or revoke them but a person.
//!
//! Invariant: one that a person must replace is overwritten, so that no request carries it any more.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_broker::{
    issue::Revoked,
    rotation::{Credentials, StepError},
    vault::Vault,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::ConnectionKey,
    installation::InstallationStore as _,
    rotation::{Family, Held, Item, Nature, Renewal},
    secret::{SealedSecret, Secret, SecretStore as _},
    time::{Clock, Rng},
};
use portcullis_store::SqliteStore;

/// What keeps them.
pub(super) struct StoredConnections {
    pub(super) store: Arc<SqliteStore>,
    pub(super) vault: Arc<Vault>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rng: Arc<dyn Rng>,
    pub(super) actor: Actor,
}

impl StoredConnections {
    async fn row(&self, item: &Item) -> Result<SealedSecret, StepError> {
        let same = |row: &SealedSecret| {
            row.tenant == item.tenant && row.installation == item.installation && row.name == item.name
        };
        self.store.secrets().await?.into_iter().find(same).ok_or(StepError::Gone)
    }
}

#[async_trait]
impl Credentials for StoredConnections {
    fn families(&self) -> &'static [Family] {
        &[Family::Connection]
    }

    async fn list(&self) -> Result<Vec<Held>, StepError> {
        let installations = self.store.installations().await?;
        let held = |row: SealedSecret| {
            let installation = row.installation?;
            let plugin = installations.iter().find(|one| one.id == installation).map(|one| one.plugin.clone());
            let (renewal, key) = (Renewal::Person, ConnectionKey { tenant: row.tenant, installation, name: row.name });
            Some(Held {
                item: Item::connection(key),
                plugin,
                provider: None,
                generation: row.generation,
                issued: None,
                nature: Nature { renewal, renewal_ends_old: false, refresh_once: false, revocable: false },
                needs_person: false,
            })
        };
        Ok(self.store.secrets().await?.into_iter().filter_map(held).collect())
    }

    async fn revoke_now(&self, _: &Item, _: u64, _: bool) -> Result<Revoked, StepError> {
        Ok(Revoked::NotOffered)
    }

    async fn renew_now(&self, _: &Item, _: u64, _: Duration) -> Result<u64, StepError> {
        Err(StepError::Refused("it was given by hand: use 'portcullis connection add'".to_owned()))
    }

    async fn person_needed(&self, item: &Item, generation: u64, why: &str) -> Result<(), StepError> {
        let row = self.row(item).await?;
        if row.generation != generation {
            return Ok(());
        }
        let mut bytes = [0u8; 32];
        self.rng.fill(&mut bytes);
        let entry = Entry::new(self.clock.now(), Kind::ConnectionAdded, self.actor.clone(), Some(row.tenant.clone()))
            .about(item.to_string())
            .with("overwritten", why);
        let secret = Secret::new(hex::encode(bytes).into_bytes());
        let put = self.vault.put(row.tenant, row.installation, &row.name, &row.place, &secret, entry).await;
        put.map(drop).map_err(|error| StepError::Store(error.to_string()))
    }
}
