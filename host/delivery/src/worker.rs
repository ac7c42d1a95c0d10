//! The worker: leases deliveries, has them handled, and settles each with one durable verdict.
//!
//! Invariant: a lease that this worker took is settled by it, or runs out and is taken again; at an orderly stop nothing is
//! left leased.

use std::{sync::Arc, time::Duration};

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    event::EventForm,
    installation::{Installation, InstallationState},
    invoke::{CallEnd, CallReport, Invoke, PluginLogs},
    queue::{Lease, Queue, Verdict},
    time::{Clock, Rng, Timestamp},
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use crate::{Directory, RetryPolicy, privacy};

/// How long a suspended installation's delivery is left alone before it is looked at again.
const SUSPENDED_PAUSE: Duration = Duration::from_secs(5);
/// How long to sleep where nothing arrives: retries and changes made by other processes are seen this late.
const IDLE: Duration = Duration::from_millis(200);
/// The most deliveries that one lease takes.
const BATCH: usize = 256;
/// Tries beyond the policy's that a delivery gets where they ended without a verdict, because the host died: one that kills
/// the host each time must not do so for ever (INC-6).
const CRASHES: u32 = 20;
/// One installation gets at most one part in so many of all slots, so that one whose calls all wait for something leaves
/// room for the others (INC-6).
const SHARE: usize = 4;

/// What the operator decides about the worker.
#[derive(Clone, Copy, Debug)]
pub struct WorkerConfig {
    /// Calls at once.
    pub concurrent_calls: usize,
    /// How long a lease holds. Must be longer than any call.
    pub hold: Duration,
    /// Retries.
    pub retry: RetryPolicy,
}

/// The worker and its ports.
pub struct Worker {
    /// Where deliveries wait.
    pub queue: Arc<dyn Queue>,
    /// The installations.
    pub directory: Directory,
    /// What runs plugins.
    pub invoke: Arc<dyn Invoke>,
    /// Where plugins' logs go.
    pub logs: Arc<dyn PluginLogs>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for pauses.
    pub rng: Arc<dyn Rng>,
    /// Woken when an event arrives.
    pub arrived: Arc<Notify>,
    /// Settings.
    pub config: WorkerConfig,
}

impl Worker {
    /// Works until `stop` turns true, then finishes the calls under way and gives the other leases back.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(self.config.concurrent_calls));
        let each = (self.config.concurrent_calls / SHARE).max(1);
        while !*stop.borrow() {
            let leases = match self.queue.lease(BATCH, each, self.clock.now(), self.config.hold).await {
                Ok(leases) => leases,
                Err(error) => {
                    tracing::error!(%error, "deliveries cannot be leased");
                    Vec::new()
                }
            };
            if leases.is_empty() {
                tokio::select! {
                    () = self.arrived.notified() => {}
                    () = tokio::time::sleep(IDLE) => {}
                    _ = stop.changed() => {}
                }
            }
            for lease in leases {
                match slots.clone().acquire_owned().await {
                    Ok(slot) if !*stop.borrow() => {
                        tokio::spawn(self.clone().deliver(lease, slot));
                    }
                    _ => self.settle(&lease, Verdict::Released { at: self.clock.now() }, vec![]).await,
                }
            }
        }
        // All slots free means that no call is under way.
        let all = u32::try_from(self.config.concurrent_calls).unwrap_or(u32::MAX);
        drop(slots.acquire_many(all).await);
    }

    async fn deliver(self: Arc<Self>, lease: Lease, slot: OwnedSemaphorePermit) {
        if lease.attempt > self.config.retry.attempts + CRASHES {
            let error = format!("given up at try {}: the host died each time, or nearly so", lease.attempt);
            let entry = Entry::new(self.clock.now(), Kind::DeliveryDead, Actor::Host, Some(lease.event.tenant.clone()))
                .about(format!("delivery:{}", lease.delivery))
                .with("attempts", lease.attempt)
                .with("reason", error.as_str());
            return self.settle(&lease, Verdict::Dead { error }, vec![entry]).await;
        }
        match self.installation(&lease).await {
            Ok(installation) => {
                let report = self.invoke.handle(&installation, &lease.event, lease.tries()).await;
                let now = self.clock.now();
                if let CallEnd::Held { wait, .. } = report.end {
                    // Nothing happened: no try, no entry.
                    self.settle(&lease, Verdict::Released { at: now.plus(wait) }, vec![]).await;
                } else if let CallEnd::Ended(_) | CallEnd::Untrusted(_) = report.end {
                    // What it had begun is in the log, if anything. The event waits for whoever lets the installation go on.
                    self.logs.keep(&report, now);
                    let at = now.plus(SUSPENDED_PAUSE);
                    self.settle(&lease, Verdict::Released { at }, vec![report.entry(now)]).await;
                } else {
                    let (verdict, entries) = self.verdict(&lease, &report, now);
                    self.logs.keep(&report, now);
                    self.settle(&lease, verdict, entries).await;
                }
            }
            Err(verdict) => self.settle(&lease, verdict, vec![]).await,
        }
        drop(slot);
        // There is room for another of this installation.
        self.arrived.notify_one();
    }

    /// The installation to call, or what becomes of the delivery where it cannot be called.
    async fn installation(&self, lease: &Lease) -> Result<Arc<Installation>, Verdict> {
        let wait = || Verdict::Released { at: self.clock.now().plus(SUSPENDED_PAUSE) };
        let table = self.directory.table().await.map_err(|error| {
            tracing::error!(%error, "installations cannot be read");
            wait()
        })?;
        match table.get(&lease.installation) {
            Some(installation) if installation.state == InstallationState::Active => Ok(installation.clone()),
            Some(gone) if gone.is_gone() => Err(Verdict::Dead { error: "the installation was uninstalled".into() }),
            Some(_) => Err(wait()),
            None => Err(Verdict::Dead { error: "the installation is gone".into() }),
        }
    }

    fn verdict(&self, lease: &Lease, report: &CallReport, now: Timestamp) -> (Verdict, Vec<Entry>) {
        let mut entries = vec![report.entry(now)];
        if lease.event.form == EventForm::Privacy {
            let (verdict, entry) = privacy::verdict(lease, report, now, self.config.retry, self.rng.as_ref());
            entries.extend(entry);
            return (verdict, entries);
        }
        if report.end == CallEnd::Ok {
            return (Verdict::Done, entries);
        }
        let error = report.end.to_string();
        if let CallEnd::Refused(reason) = &report.end {
            let call = &report.call;
            let entry = Entry::new(now, Kind::ReleaseRefused, Actor::Host, Some(call.tenant.clone()))
                .about(format!("installation:{}", call.installation))
                .with("release", call.release.to_string())
                .with("reason", reason.as_str());
            entries.push(entry);
        }
        if report.end.worth_retrying()
            && let Some(at) = self.config.retry.next(lease.attempt, now, self.rng.as_ref())
        {
            return (Verdict::Retry { at, error }, entries);
        }
        let dead = Entry::of_call(now, Kind::DeliveryDead, &report.call)
            .about(format!("delivery:{}", lease.delivery))
            .with("attempts", lease.attempt);
        entries.push(report.end.reason_of(dead));
        (Verdict::Dead { error }, entries)
    }

    async fn settle(&self, lease: &Lease, verdict: Verdict, entries: Vec<Entry>) {
        if let Err(error) = self.queue.settle(lease.delivery, verdict, entries).await {
            // The lease runs out and the delivery is taken again: at least once.
            tracing::error!(%error, delivery = lease.delivery, "a delivery cannot be settled");
        }
    }
}
