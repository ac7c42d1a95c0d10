//! What the admin API does about tenants that are taken out and deleted, on this host, for the command as for everybody.
//!
//! Invariant: a deletion is put on record here, and carried on by whoever runs the host.

use std::sync::Arc;

use anyhow::Error;
use async_trait::async_trait;
use portcullis_api::admin::{
    Parcel,
    v1::tenants::{Deletion, Deletions, Exports, NotDone, Ports, Signed},
};
use portcullis_model::{audit::Actor, error::StoreError, id::TenantId};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{begin, certificate::certify_as, export, known, missing, plan};
use crate::{host::Host, parcel::Turns};

/// What the operations are done with.
pub fn ports(host: &Host) -> Ports {
    let deletions = Arc::new(OfHost(host.clone(), Turns::default(), Semaphore::new(1)));
    Ports { exports: deletions.clone(), deletions }
}

/// This host, whose own it is handing over, and the right to put something together: that is work for all of the disk.
struct OfHost(Host, Turns, Semaphore);

/// What a person can do something about is said to them; what failed is not.
fn not_done(error: Error, otherwise: impl FnOnce(String) -> NotDone) -> NotDone {
    match error.downcast::<StoreError>() {
        Ok(error) => NotDone::Store(error),
        Err(error) => otherwise(format!("{error:#}")),
    }
}

/// As much as can be said of why nothing was handed over.
fn not_exported(error: Error) -> NotDone {
    let why = format!("{error:#}");
    match why.contains("the log's key is being replaced") {
        true => NotDone::Refused(why),
        false => NotDone::Store(StoreError(why)),
    }
}

#[async_trait]
impl Deletions for OfHost {
    async fn plan(&self, tenant: &TenantId) -> Result<Value, NotDone> {
        let plan = plan(&self.0, tenant).await.map_err(|error| not_done(error, NotDone::Nothing))?;
        serde_json::to_value(&plan).map_err(|error| NotDone::Store(StoreError(error.to_string())))
    }

    async fn begin(&self, tenant: &TenantId, contain: bool, by: Actor) -> Result<Deletion, NotDone> {
        let planned = plan(&self.0, tenant).await.map_err(|error| not_done(error, NotDone::Nothing))?;
        begin(&self.0, &planned, contain, by).await.map_err(|error| not_done(error, NotDone::Refused))?;
        let found = self.deletion(tenant).await?;
        found.ok_or_else(|| NotDone::Refused("somebody else has just changed something of it; try again".to_owned()))
    }

    async fn deletion(&self, tenant: &TenantId) -> Result<Option<Deletion>, StoreError> {
        let found = self.0.store.deletion(tenant.clone()).await?;
        Ok(found.map(|one| Deletion { begun: one.begun, ended: one.ended, found: one.found }))
    }

    async fn certify(&self, tenant: &TenantId, by: Actor) -> Result<Signed, NotDone> {
        let found = self.0.store.deletion(tenant.clone()).await?;
        let found = found.ok_or_else(|| NotDone::Nothing(format!("no deletion of '{tenant}' is on record")))?;
        let signed = certify_as(&self.0, &found, by).await.map_err(|error| not_done(error, NotDone::Refused))?;
        let (digest, key) = (signed.digest.to_string(), signed.key.to_string());
        Ok(Signed { envelope: signed.envelope, digest, key })
    }
}

#[async_trait]
impl Exports for OfHost {
    async fn export(&self, tenant: &TenantId, by: Actor) -> Result<Parcel, NotDone> {
        if known(&self.0, tenant).await.map_err(not_exported)?.is_none() {
            return Err(NotDone::Nothing(missing(tenant)));
        }
        let busy = || NotDone::Refused("it is being handed over already; wait until that has ended".to_owned());
        let turn = self.1.take(tenant).ok_or_else(busy)?;
        let Ok(_alone) = self.2.try_acquire() else {
            return Err(NotDone::Refused(
                "another export is being put together; ask again when that is done".to_owned(),
            ));
        };
        Ok(export(&self.0, tenant, by).await.map_err(not_exported)?.parcel(turn))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn that_the_logs_key_is_being_replaced_is_said_and_what_failed_is_not() {
        let key = anyhow!("the log's key is being replaced; try again when 'portcullis audit key rotate' has ended");
        assert!(matches!(not_exported(key), NotDone::Refused(why) if why.contains("try again")));
        assert!(matches!(not_exported(anyhow!("/home/x: no space left")), NotDone::Store(_)));
    }
}
