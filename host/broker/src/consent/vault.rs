//! The vault as consents use it: a connection's credential in its slot, and a client's secret in a slot of its own for as long as a
//! person is asked.
//!
//! Invariant: what is held for a consent is in no table of credentials that a request could carry.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    connection::{ConnectionKey, ConnectionView, Origin},
    consent::{held_for, held_in},
    id::{ConsentId, TenantId},
    secret::Secret,
    time::Timestamp,
};

use super::keeps::{KeepError, Keeps};
use crate::{
    connection::{Connections, NewConnection, RefreshError},
    issue::Credential,
    place::Place,
    vault::VaultError,
};

impl From<VaultError> for KeepError {
    fn from(error: VaultError) -> Self {
        Self(error.to_string())
    }
}

impl From<RefreshError> for KeepError {
    fn from(error: RefreshError) -> Self {
        Self(error.to_string())
    }
}

#[async_trait]
impl Keeps for Connections {
    async fn put(
        &self,
        key: &ConnectionKey,
        place: &Place,
        origin: &Origin,
        credential: Credential,
        expires: Option<Timestamp>,
        entry: Entry,
    ) -> Result<u64, KeepError> {
        let (key, place, origin) = (key.clone(), place.clone(), origin.clone());
        let new = NewConnection { key, place, origin, credential, expires };
        Ok(self.put_connection(new, entry).await?)
    }

    async fn credential(&self, key: &ConnectionKey) -> Result<Option<(Origin, Credential)>, KeepError> {
        let found = Connections::credential(self, key).await?;
        Ok(found.map(|(_, origin, credential)| (origin, credential)))
    }

    async fn stored_at(&self, key: &ConnectionKey, at: Timestamp) -> Result<bool, KeepError> {
        Ok(self.vault().has_of(&key.clone().into(), at).await?)
    }

    async fn views(&self) -> Result<Vec<ConnectionView>, KeepError> {
        Ok(Connections::views(self).await?)
    }

    async fn hold(
        &self,
        consent: &ConsentId,
        tenant: &TenantId,
        client: &Secret,
        entry: Entry,
    ) -> Result<(), KeepError> {
        let slot = held_in(consent, tenant);
        self.vault().put(slot.tenant, None, &slot.name, "", client, entry).await?;
        Ok(())
    }

    async fn held(&self, consent: &ConsentId, tenant: &TenantId) -> Result<Option<Secret>, KeepError> {
        let found = self.vault().slot(&held_in(consent, tenant)).await?;
        Ok(found.and_then(|(_, opened)| opened.credential.access))
    }

    async fn all_held(&self) -> Result<Vec<(ConsentId, TenantId)>, KeepError> {
        let slots = self.vault().slots().await?;
        Ok(slots.into_iter().filter_map(|slot| Some((held_for(&slot)?, slot.tenant))).collect())
    }

    async fn release(&self, consent: &ConsentId, tenant: &TenantId) -> Result<(), KeepError> {
        self.vault().forget(&held_in(consent, tenant)).await?;
        Ok(())
    }
}
