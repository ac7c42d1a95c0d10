//! The ledger and its store: reading back at the start, writing once a second and at once where something is suspended.
//!
//! Invariant: what was handed to the store and not written is kept and handed over again.

use std::{sync::Arc, time::Duration};

use portcullis_model::{
    budget::{Cost, Flush, Suspension},
    error::StoreError,
};
use tokio::sync::watch;

use super::{
    Ledger,
    account::Account,
    window::{MINUTES, end_of, minute_of},
};

/// How often uses are written, and suspensions that an admin has lifted are looked for.
const TICK: Duration = Duration::from_secs(1);

impl Ledger {
    /// Reads the last hour back, once. No call begins before that.
    pub async fn load(&self) -> Result<(), StoreError> {
        self.loaded.get_or_try_init(|| self.read_back()).await.copied()
    }

    async fn read_back(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let minute = minute_of(now);
        let budgets = self.store.load_budgets(minute - MINUTES + 1, now).await?;
        let mut state = self.state();
        for used in budgets.uses {
            let (amount, forgiven) = (used.amount.max(0).unsigned_abs(), used.forgiven.max(0).unsigned_abs());
            // A minute in the future comes from a clock that was set back since.
            let at = used.minute.min(minute);
            if self.tenants.contains_key(&used.tenant) {
                let cost = Cost::of(used.resource, amount);
                state.tenants.entry(used.tenant.clone()).or_default().add(cost, at);
            }
            let own = Cost::of(used.resource, amount.saturating_sub(forgiven));
            let account = state.installations.entry(used.installation).or_insert_with(|| Account::new(used.tenant));
            account.totals.add(own, at);
        }
        for suspension in budgets.suspensions {
            let until = suspension.until.min(end_of(minute));
            state.adopt(Suspension { until, ..suspension });
        }
        Ok(())
    }

    /// Writes once a second until `stop` turns true, and then once more.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let stopped = tokio::time::timeout(TICK, stop.changed()).await;
            self.write_now().await;
            if matches!(stopped, Ok(Err(_))) {
                return;
            }
        }
    }

    /// Writes everything that is not written yet. A failure is logged, and what it left is written the next time. Goes on
    /// where the caller is cut off.
    pub async fn write_now(self: &Arc<Self>) {
        let ledger = self.clone();
        let written = tokio::spawn(async move { ledger.flush().await }).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "budgets cannot be written; tried again in a second"),
            Err(error) => tracing::error!(%error, "writing budgets was cut off"),
        }
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.load().await?;
        let _one_at_a_time = self.writing.lock().await;
        // A second round tells the store what the first one found to be lifted.
        for _ in 0..2 {
            let now = self.clock.now();
            let (flush, held) = self.collect();
            if flush.is_empty() && !held {
                break;
            }
            let written = match flush.is_empty() {
                true => self.store.suspensions(now).await,
                false => self.store.flush_budgets(flush.clone(), minute_of(now) - MINUTES + 1, now).await,
            };
            let holding = match written {
                Ok(holding) => holding,
                Err(error) => {
                    self.put_back(flush);
                    return Err(error);
                }
            };
            let stored: Vec<Suspension> = flush.suspended.into_iter().map(|(suspension, _)| suspension).collect();
            let mut state = self.state();
            state.reconcile(&stored, holding, self.clock.now());
            state.sweep(now);
            if state.lifted.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Everything that the store lacks, and whether anything is suspended.
    fn collect(&self) -> (Flush, bool) {
        let mut state = self.state();
        let unwritten = std::mem::take(&mut state.unwritten);
        let mut uses = Vec::new();
        for id in &unwritten {
            if let Some(account) = state.installations.get_mut(id) {
                uses.extend(account.take_unwritten(id));
            }
        }
        let held = state.installations.values().any(|account| !account.suspended.is_empty());
        let flush =
            Flush { lifted: std::mem::take(&mut state.lifted), uses, suspended: std::mem::take(&mut state.fresh) };
        (flush, held)
    }

    fn put_back(&self, flush: Flush) {
        let mut state = self.state();
        for change in &flush.uses {
            let known = state.installations.entry(change.installation.clone());
            let account = known.or_insert_with(|| Account::new(change.tenant.clone()));
            let unwritten = account.is_unwritten();
            account.not_written(change);
            if !unwritten {
                state.unwritten.push(change.installation.clone());
            }
        }
        state.lifted.splice(0..0, flush.lifted);
        state.fresh.splice(0..0, flush.suspended);
    }
}
