//! The log itself, of which nothing can be shown and with which nothing is done.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_api::admin::{
    Parcel,
    v1::log::{
        Asked, Bundles, Cut, Disposed, Erased, Growth, Head, Keys, LogError, NewWitness, Order, Outlet, Part, Ports,
        Proofs, Upkeep, Values, View, Witness,
    },
};
use portcullis_model::audit::Actor;
use serde_json::Value;

use crate::{host::Nothing, world::World};

fn none<T>() -> Result<T, LogError> {
    Err(LogError::Unknown("nothing is kept here".into()))
}

#[async_trait]
impl Proofs for Nothing {
    async fn head(&self, _: &Part) -> Result<Head, LogError> {
        none()
    }
    async fn growth(&self, _: &Part, _: u64) -> Result<Growth, LogError> {
        none()
    }
    async fn views(&self) -> Result<Vec<View>, LogError> {
        Ok(Vec::new())
    }
    async fn entry(&self, _: u64) -> Result<Value, LogError> {
        none()
    }
    async fn keys(&self) -> Result<Keys, LogError> {
        none()
    }
}

#[async_trait]
impl Upkeep for Nothing {
    async fn witnesses(&self) -> Result<Vec<Witness>, LogError> {
        Ok(Vec::new())
    }
    fn known_as(&self, _: &NewWitness) -> Result<String, LogError> {
        none()
    }
    async fn add_witness(&self, _: &NewWitness, _: Actor) -> Result<bool, LogError> {
        none()
    }
    async fn remove_witness(&self, _: &str, _: Actor) -> Result<bool, LogError> {
        none()
    }
    async fn ask_witnesses(&self) -> Result<Vec<Asked>, LogError> {
        Ok(Vec::new())
    }
    async fn outlets(&self) -> Result<Vec<Outlet>, LogError> {
        Ok(Vec::new())
    }
    async fn erasable(&self, _: &Values) -> Result<Erased, LogError> {
        none()
    }
    async fn erase(&self, _: &Values, _: &str, _: Actor) -> Result<Erased, LogError> {
        none()
    }
    async fn dispose(&self, _: &Cut, _: Actor, _: bool) -> Result<Vec<Disposed>, LogError> {
        none()
    }
}

#[async_trait]
impl Bundles for Nothing {
    async fn bundle(&self, _: Order) -> Result<Parcel, LogError> {
        none()
    }
}

/// With which nothing is done.
pub fn ports(world: &World) -> Arc<Ports> {
    Arc::new(Ports {
        proofs: Arc::new(Nothing),
        upkeep: Arc::new(Nothing),
        bundles: Arc::new(Nothing),
        reader: Arc::new(Nothing),
        recorder: world.store.clone(),
    })
}
