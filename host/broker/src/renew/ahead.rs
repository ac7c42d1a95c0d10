//! Answers for renewing credentials before they end, in a task of its own, so that no request has to wait for it.
//!
//! Invariants: each generation is planned once, at a moment that differs from process to process and from connection to
//! connection; one that failed is looked at again when its pause is over; at most [`AT_ONCE`] are under way at a time, and
//! [`OF_ONE`] of one provider; the next is of the provider of which the fewest are, so that a slow one keeps no other waiting; the
//! task ends only when those that it began have ended.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use portcullis_model::{
    id::ProviderId,
    secret::Slot,
    time::{Clock, Rng, Timestamp},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};

use super::{Because, RenewError, Renewals, pace};
use crate::connection::{Connections, using::Renewable};

/// How often it is looked what is due.
const TICK: Duration = Duration::from_secs(1);

/// How often generations that nobody uses any more are deleted.
const SWEEP: Duration = Duration::from_secs(60);

/// How many renewals are under way at a time.
pub const AT_ONCE: usize = 32;

/// How many of one provider.
pub const OF_ONE: usize = 8;

/// How long the end of those under way is waited for when the host stops.
const LAST: Duration = Duration::from_secs(45);

/// What is asked again after a failure that is not the provider's.
const AGAIN: Duration = Duration::from_secs(30);

/// Renews what is due.
pub struct Renewer {
    connections: Arc<Connections>,
    renewals: Arc<Renewals>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    planned: HashMap<(Slot, u64), Option<Timestamp>>,
    under_way: JoinSet<(Slot, u64, Result<u64, RenewError>)>,
    turns: HashMap<ProviderId, Arc<Semaphore>>,
}

impl Renewer {
    /// A task over these.
    pub fn new(
        connections: Arc<Connections>,
        renewals: Arc<Renewals>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            connections,
            renewals,
            clock,
            rng,
            planned: HashMap::new(),
            under_way: JoinSet::new(),
            turns: HashMap::new(),
        }
    }

    /// Runs until `stop` turns true, and those that it began have ended.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut swept = self.clock.now();
        while !*stop.borrow() {
            self.tick().await;
            let now = self.clock.now();
            if now.distance(swept) >= SWEEP {
                swept = now;
                if let Err(error) = self.connections.vault().forget_retired(now).await {
                    tracing::error!(%error, "credentials that are not current any more cannot be deleted");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = stop.changed() => {}
            }
        }
        self.renewals.settle(LAST).await;
    }

    /// Begins what is due, and looks what became of what was begun. Gives how many are under way.
    pub async fn tick(&mut self) -> usize {
        while let Some(ended) = self.under_way.try_join_next() {
            if let Ok((slot, generation, result)) = ended {
                self.ended(slot, generation, result).await;
            }
        }
        let renewables = self.connections.renewables(self.renewals.issuer());
        let present: HashSet<(Slot, u64)> = renewables.iter().map(|one| (one.slot.clone(), one.generation)).collect();
        self.planned.retain(|one, _| present.contains(one));
        let now = self.clock.now();
        let mut due: BTreeMap<ProviderId, Vec<Renewable>> = BTreeMap::new();
        for one in renewables.into_iter().filter(|one| self.is_due(one, now)) {
            due.entry(one.provider.clone()).or_default().push(one);
        }
        while self.under_way.len() < AT_ONCE
            && let Some((one, turn)) = self.next(&mut due)
        {
            self.begin(one, turn);
        }
        self.under_way.len()
    }

    fn is_due(&mut self, one: &Renewable, now: Timestamp) -> bool {
        let (key, rng) = ((one.slot.clone(), one.generation), &self.rng);
        let plan = self.planned.entry(key).or_insert_with(|| pace::due(&one.life, &**rng));
        plan.is_some_and(|at| at <= now)
    }

    /// One of the provider of which the fewest are under way, with its turn there.
    fn next(&mut self, due: &mut BTreeMap<ProviderId, Vec<Renewable>>) -> Option<(Renewable, OwnedSemaphorePermit)> {
        due.retain(|_, waiting| !waiting.is_empty());
        let mut free = Vec::new();
        for provider in due.keys() {
            let turns = self.turns.entry(provider.clone()).or_insert_with(|| Arc::new(Semaphore::new(OF_ONE)));
            free.push((turns.available_permits(), provider.clone(), turns.clone()));
        }
        let (_, provider, turns) = free.into_iter().max_by_key(|(free, ..)| *free)?;
        let turn = turns.try_acquire_owned().ok()?;
        Some((due.get_mut(&provider)?.pop()?, turn))
    }

    fn begin(&mut self, one: Renewable, turn: OwnedSemaphorePermit) {
        let (renewals, Renewable { slot, generation, .. }) = (self.renewals.clone(), one);
        // Not again while it is under way.
        self.planned.insert((slot.clone(), generation), None);
        self.under_way.spawn(async move {
            let _turn = turn;
            let result = renewals.newer(&slot, generation, Because::Due).await;
            (slot, generation, result)
        });
    }

    async fn ended(&mut self, slot: Slot, generation: u64, result: Result<u64, RenewError>) {
        let again = match result {
            Ok(newer) => match self.connections.take_up(&slot, newer).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(%slot, %error, "a new credential cannot be taken into use");
                    Some(self.clock.now().plus(AGAIN))
                }
            },
            Err(RenewError::Cooling { until, why }) => {
                tracing::warn!(%slot, %until, why, "a credential was not renewed");
                Some(until)
            }
            Err(error @ (RenewError::Vault(_) | RenewError::Failed(_))) => {
                tracing::error!(%slot, %error, "a credential was not renewed");
                Some(self.clock.now().plus(AGAIN))
            }
            Err(error @ RenewError::Frozen(_)) => {
                tracing::debug!(%slot, %error, "a credential is not renewed");
                Some(self.clock.now().plus(AGAIN))
            }
            // Nothing to be done before there is another generation, or a person has acted.
            Err(error) => {
                tracing::warn!(%slot, %error, "a credential is not renewed");
                Some(self.clock.now().plus(AGAIN * 20))
            }
        };
        self.planned.insert((slot, generation), again);
    }
}
