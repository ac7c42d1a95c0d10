//! When a freeze is known to hold: where no host runs, at once; otherwise when the running host has written that into the log.
//!
//! Invariant: a freeze counts as reached only where the log says so, or nobody serves.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use portcullis_broker::rotation::Reach;
use portcullis_model::{
    audit::{Entry, Kind},
    error::StoreError,
    freeze::FreezeStore as _,
    rotation::Reached,
    time::Timestamp,
};
use serde_json::Value;

use crate::host::Host;

/// How long the running host is waited for: requests have five seconds to end.
const PATIENCE: Duration = Duration::from_secs(6);
const LOOK: Duration = Duration::from_millis(20);
const BATCH: u64 = 500;

/// Reads the log of this host.
pub struct AuditReach(pub Arc<Host>);

#[async_trait]
impl Reach for AuditReach {
    async fn reached(&self, freeze: u64) -> Result<Reached, StoreError> {
        let host = &self.0;
        let alone = host.home.try_lock().map_err(|error| StoreError(error.to_string()))?;
        if alone.is_some() {
            return Ok(Reached { at: host.clock.now(), host_runs: false, ended: 0, left: 0 });
        }
        let known = host.store.freezes().await?.freezes.into_iter().find(|one| one.number == freeze);
        let since = known.map_or(host.clock.now(), |one| one.since);
        let (patience, mut from) = (Instant::now() + PATIENCE, self.first_since(since).await?);
        loop {
            let stored = host.store.entries(from, BATCH as usize).await?;
            for one in &stored {
                from = one.index + 1;
                if let Some(reached) = one.read().ok().and_then(|entry| enforced(&entry, freeze)) {
                    return Ok(reached);
                }
            }
            if Instant::now() >= patience {
                // Nobody knows how many go on: at least one.
                return Ok(Reached { at: host.clock.now(), host_runs: true, ended: 0, left: 1 });
            }
            if stored.is_empty() {
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

impl AuditReach {
    /// An entry of the log that is older than that moment, and not far before it.
    async fn first_since(&self, since: Timestamp) -> Result<u64, StoreError> {
        let mut from = self.0.store.entry_count().await?;
        while from > 0 {
            from = from.saturating_sub(BATCH);
            let first = self.0.store.entries(from, 1).await?;
            let entry = first.first().and_then(|one| one.read().ok());
            if entry.is_none_or(|entry| entry.time < since) {
                break;
            }
        }
        Ok(from)
    }
}

fn enforced(entry: &Entry, freeze: u64) -> Option<Reached> {
    let numbers = entry.detail.get("freezes").and_then(Value::as_array);
    let names = |number: &Value| number.as_u64() == Some(freeze);
    if entry.kind != Kind::FreezeEnforced || !numbers.is_some_and(|all| all.iter().any(names)) {
        return None;
    }
    let number = |name: &str| entry.detail.get(name).and_then(Value::as_u64).unwrap_or_default();
    Some(Reached { at: entry.time, host_runs: true, ended: number("requests-ended"), left: number("requests-left") })
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::Actor;

    use super::*;

    #[test]
    fn only_an_entry_that_names_the_freeze_says_that_it_holds() {
        let entry = Entry::new(Timestamp(7), Kind::FreezeEnforced, Actor::Host, None)
            .with("freezes", vec![3u64, 4])
            .with("requests-ended", 2)
            .with("requests-left", 0);
        let reached = Reached { at: Timestamp(7), host_runs: true, ended: 2, left: 0 };
        assert_eq!(enforced(&entry, 4), Some(reached));
        assert_eq!(enforced(&entry, 5), None);
        assert_eq!(enforced(&Entry { kind: Kind::FreezeAdded, ..entry }, 4), None);
    }
}
