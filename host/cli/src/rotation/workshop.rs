//! What the admin API looks after connections and carries out rotations with.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_api::admin::v1::{
    connections,
    rotation::{self, Place, SignedReport, Turn, Workshop},
};
use portcullis_broker::rotation::{Report, Rotator};
use portcullis_model::{audit::Actor, error::StoreError, id::TenantId};

use super::{endings, overlap_of, rotator, sign, wait};
use crate::{
    connect::{connecting, desk},
    host::Host,
};

/// This host, as rotations are carried out on it.
struct Bench(Arc<Host>);

fn failed(error: &anyhow::Error) -> StoreError {
    StoreError(format!("{error:#}"))
}

#[async_trait]
impl Place for super::Place {
    async fn turn(self: Box<Self>) -> Result<Option<Turn>, StoreError> {
        let turn = self.frozen().await.map_err(|error| failed(&error))?;
        Ok(turn.map(|turn| Box::new(turn) as Turn))
    }
}

#[async_trait]
impl Workshop for Bench {
    fn rotator(&self, by: Actor, platform: bool) -> Rotator {
        rotator(&self.0, by, platform)
    }

    async fn turn(&self, tenant: Option<&TenantId>) -> Result<Option<Turn>, StoreError> {
        let turn = wait(&self.0.home, tenant).await.map_err(|error| failed(&error))?;
        Ok(turn.map(|turn| Box::new(turn) as Turn))
    }

    async fn place(&self, tenant: Option<&TenantId>) -> Result<Option<Box<dyn Place>>, StoreError> {
        let place = super::place(&self.0.home, tenant).await.map_err(|error| failed(&error))?;
        Ok(place.map(|place| Box::new(place) as Box<dyn Place>))
    }

    async fn overlap(&self, tenant: Option<&TenantId>) -> Result<Duration, StoreError> {
        overlap_of(&self.0, tenant).await.map_err(|error| failed(&error))
    }

    async fn sign(&self, report: &Report, by: Actor) -> Result<SignedReport, StoreError> {
        let signed = sign(&self.0, report, by).await.map_err(|error| failed(&error))?;
        Ok(SignedReport { digest: signed.digest.to_string(), key: signed.key.to_string(), envelope: signed.envelope })
    }
}

/// For rotations.
pub fn rotations(host: &Host) -> rotation::Ports {
    let (store, installations) = (host.store.clone(), host.store.clone());
    let workshop = Arc::new(Bench(Arc::new(host.clone())));
    rotation::Ports { workshop, store, installations, cut_off: Default::default(), rehearsing: Default::default() }
}

/// For connections; links lead to `base`.
pub fn connections(host: &Host, base: Option<String>) -> connections::Ports {
    let (keeps, rotations, desk) = (host.connections.clone(), host.store.clone(), Arc::new(desk(host)));
    let (connecting, installations, owed) = (connecting(host), host.store.clone(), host.store.clone());
    let placed = host.config.egress.placed();
    let host = host.clone();
    let ended_by = Box::new(move |by| endings(&host, by));
    connections::Ports { keeps, ended_by, desk, connecting, installations, owed, rotations, placed, base }
}
