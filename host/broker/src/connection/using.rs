//! Answers for credentials at the moment of their use: one that is over is renewed first, one that was refused is replaced.

use std::sync::Arc;

use portcullis_model::{
    connection::ConnectionKey,
    error::ServiceError,
    id::{InstallationId, ProviderId, TenantId},
    secret::Slot,
    target::Target,
    time::Timestamp,
};

use super::{Connection, Connections, Installed, RefreshError, table::Table};
use crate::{
    issue::Issuer,
    renew::{Because, RenewError, Renewals},
};

/// A credential that a provider can be asked to renew.
#[derive(Clone, Debug)]
pub struct Renewable {
    /// Which.
    pub slot: Slot,
    /// Its present generation.
    pub generation: u64,
    /// How long that lasts.
    pub life: super::Life,
    /// Who renews it.
    pub provider: ProviderId,
}

impl Connections {
    /// The credentials of one installation for a request to this target, renewed where one of those that it carries is over. An
    /// error where one is over and cannot be renewed now: the request would be refused, or worse, be taken for somebody else's.
    pub async fn current(
        &self,
        tenant: &TenantId,
        installation: &InstallationId,
        target: &Target,
    ) -> Result<Option<Arc<Installed>>, ServiceError> {
        let Some(installed) = self.of(tenant, installation) else { return Ok(None) };
        let Some(renewals) = self.renewals.get() else { return Ok(Some(installed)) };
        let mut renewed = false;
        for connection in installed.for_target(target) {
            let now = renewals.now();
            if !self.is_due(connection, renewals, now) {
                continue;
            }
            match self.newer(renewals, connection, Because::Over).await {
                Ok(()) => renewed = true,
                Err(error) if connection.life.is_over(now) => return Err(over(connection, &error)),
                Err(error) => tracing::warn!(connection = %connection.slot(), %error, "not renewed yet"),
            }
        }
        Ok(if renewed { self.of(tenant, installation) } else { Some(installed) })
    }

    fn is_due(&self, connection: &Connection, renewals: &Renewals, now: Timestamp) -> bool {
        connection.life.is_over(now) || (connection.life.is_nearly_over(now) && renewals.can(connection))
    }

    /// What to send in place of credentials that this target has refused (401): newer ones, by another process or by a renewal.
    /// `None` where there are none.
    pub async fn stale(&self, refused: &Installed, target: &Target) -> Option<Arc<Installed>> {
        let renewals = self.renewals.get()?;
        let mut newer = None;
        for connection in refused.for_target(target).into_iter().filter(|one| renewals.can(one)) {
            match self.newer(renewals, connection, Because::Refused).await {
                Ok(()) => newer = self.of(&connection.tenant, &connection.installation),
                Err(error) => tracing::debug!(connection = %connection.slot(), %error, "refused, and not renewed"),
            }
        }
        newer
    }

    /// Asks the provider for a new credential now, whatever the present one is good for. Gives the new generation.
    pub async fn renew(&self, key: &ConnectionKey, because: Because) -> Result<u64, RenewError> {
        let renewals = self.renewals.get().ok_or(RenewError::NotRenewable)?;
        let slot = Slot::from(key.clone());
        let head = self.vault.head(&slot).await?.ok_or(RenewError::Gone)?;
        let generation = renewals.newer(&slot, head.generation, because).await?;
        self.take_up(&slot, generation).await?;
        Ok(generation)
    }

    /// Those that a provider can be asked to renew.
    pub fn renewables(&self, issuer: &dyn Issuer) -> Vec<Renewable> {
        let table = self.read();
        let all = table.installed.values().flat_map(|installed| installed.connections());
        let renewable = |one: &Connection| {
            let provider = one.provider.clone()?;
            issuer.conduct(&provider).filter(|conduct| conduct.renewable)?;
            Some(Renewable { slot: one.slot(), generation: one.generation, life: one.life, provider })
        };
        all.filter_map(renewable).collect()
    }

    async fn newer(&self, renewals: &Arc<Renewals>, one: &Connection, because: Because) -> Result<(), RenewError> {
        let slot = one.slot();
        let generation = renewals.newer(&slot, one.generation, because).await?;
        self.take_up(&slot, generation).await
    }

    /// Takes a generation into use that is in storage.
    pub(crate) async fn take_up(&self, slot: &Slot, generation: u64) -> Result<(), RenewError> {
        let has = |table: &Table| table.slots.get(slot).is_some_and(|slot| slot.head.generation >= generation);
        if has(&self.read()) {
            return Ok(());
        }
        let refused = self.refresh_unless(has).await.map_err(|error| match error {
            RefreshError::Vault(error) => RenewError::Vault(error),
            RefreshError::Needles(error) => RenewError::Failed(error.to_string()),
        })?;
        for error in refused {
            tracing::error!(%error, "a stored secret cannot be used");
        }
        Ok(())
    }
}

fn over(connection: &Connection, error: &RenewError) -> ServiceError {
    let text = format!("the credential '{}' is over: {error}", connection.name);
    if matches!(error, RenewError::Frozen(_)) { ServiceError::Frozen(text) } else { ServiceError::Unavailable(text) }
}
