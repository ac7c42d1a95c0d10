//! One question at a time to each provider: who comes while it is asked waits, and finds the answer.
//!
//! Invariant: nobody waits for another provider.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Who is being asked.
#[derive(Default)]
pub(super) struct Flights(Mutex<BTreeMap<String, Arc<Turn<()>>>>);

impl Flights {
    /// Waits until nobody else asks this provider. Others wait until what this gives is dropped.
    pub async fn begin(&self, issuer: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, turn| Arc::strong_count(turn) > 1);
            all.entry(issuer.to_owned()).or_default().clone()
        };
        turn.lock_owned().await
    }
}
