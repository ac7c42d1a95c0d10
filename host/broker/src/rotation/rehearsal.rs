//! Answers for rehearsals: an emergency act over what is held now, against issuers that are played, with nothing changed.
//!
//! Every step takes as long as that provider's steps took in acts before, or as long as is said where there were none; so what is
//! measured is how long the act would take, not how long its own bookkeeping does.
//!
//! Invariant: nothing in here holds a credential or can reach an issuer: what is rehearsed is names and generations.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use portcullis_model::{
    error::StoreError,
    id::ProviderId,
    rotation::{Family, Held, Item, Line, Outcome, Reached},
    time::Clock,
};

use super::{
    act::Reach,
    credentials::{Credentials, StepError},
};
use crate::issue::Revoked;

/// How long one step takes.
#[derive(Clone, Debug)]
pub struct Latency {
    /// By provider: as it was measured.
    pub measured: BTreeMap<ProviderId, Duration>,
    /// For all others that have a provider.
    pub assumed: Duration,
}

impl Latency {
    /// From lines of acts before: a provider's median of a line's time for each try.
    pub fn from_lines<'a>(lines: impl IntoIterator<Item = &'a Line>, assumed: Duration) -> Self {
        let mut all: BTreeMap<ProviderId, Vec<u64>> = BTreeMap::new();
        for line in lines {
            let (Some(provider), Some(started), Some(ended)) = (&line.provider, line.started, line.ended) else {
                continue;
            };
            if matches!(line.outcome, Outcome::Renewed | Outcome::PersonNeeded) && line.tries > 0 {
                let took = u64::try_from((ended.0 - started.0).max(0)).unwrap_or(0) / u64::from(line.tries);
                all.entry(provider.clone()).or_default().push(took);
            }
        }
        let median = |mut took: Vec<u64>| {
            took.sort_unstable();
            Duration::from_millis(took.get(took.len() / 2).copied().unwrap_or_default())
        };
        Self { measured: all.into_iter().map(|(provider, took)| (provider, median(took))).collect(), assumed }
    }

    fn of(&self, held: &Held) -> Duration {
        match &held.provider {
            // The host's own are a write into its own storage, which the rehearsal does as well.
            None => Duration::ZERO,
            Some(provider) => self.measured.get(provider).copied().unwrap_or(self.assumed),
        }
    }
}

/// Everything that is held, played.
pub struct Rehearsed {
    held: Mutex<HashMap<Item, Held>>,
    latency: Latency,
}

impl Rehearsed {
    /// Plays the keepers of these.
    pub fn new(held: Vec<Held>, latency: Latency) -> Self {
        let held = held.into_iter().map(|held| (held.item.clone(), held)).collect();
        Self { held: Mutex::new(held), latency }
    }

    async fn played(&self, item: &Item) -> Result<Held, StepError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).get(item).cloned();
        let held = held.ok_or(StepError::Gone)?;
        tokio::time::sleep(self.latency.of(&held)).await;
        Ok(held)
    }
}

#[async_trait]
impl Credentials for Rehearsed {
    fn families(&self) -> &'static [Family] {
        // It plays everybody.
        &Family::ALL
    }

    async fn list(&self) -> Result<Vec<Held>, StepError> {
        Ok(self.held.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect())
    }

    async fn revoke_now(&self, item: &Item, _: u64, _: bool) -> Result<Revoked, StepError> {
        let held = self.played(item).await?;
        Ok(if held.nature.revocable { Revoked::Confirmed } else { Revoked::NotOffered })
    }

    async fn renew_now(&self, item: &Item, old: u64, _: Duration) -> Result<u64, StepError> {
        self.played(item).await?;
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.get_mut(item).ok_or(StepError::Gone)?;
        held.generation = old + 1;
        Ok(held.generation)
    }

    async fn person_needed(&self, item: &Item, _: u64, _: &str) -> Result<(), StepError> {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        all.get_mut(item).ok_or(StepError::Gone)?.needs_person = true;
        Ok(())
    }
}

/// Nothing is under way anywhere.
pub struct NobodyServes<C>(pub C);

#[async_trait]
impl<C: Clock> Reach for NobodyServes<C> {
    async fn reached(&self, _: u64) -> Result<Reached, StoreError> {
        Ok(Reached { at: self.0.now(), host_runs: false, ended: 0, left: 0 })
    }
}
