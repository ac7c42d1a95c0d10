//! Answers for how much passes between one installation and one host: requests and bytes a minute, requests at a time, and
//! nothing while the host's circuit is open.
//!
//! Each pair has a lane of its own, so that no plugin slows down or shuts out another, whatever it does to a host.
//!
//! Invariants: what enters leaves, even where a request is dropped half way; a lane is forgotten only when it is as good as
//! new, or long unused; one installation has at most 256 lanes.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use portcullis_model::{
    egress::{Answer, MAX_BODY},
    error::ServiceError,
    id::{InstallationId, TenantId},
    time::{Clock, Timestamp},
};

use crate::{
    bucket::Bucket,
    circuit::{Circuit, End},
    settings::Traffic,
};

/// The most lanes of one installation.
const MAX_LANES: usize = 256;

/// Who sends.
pub(crate) type Owner = (TenantId, InstallationId);

struct Lane {
    circuit: Circuit,
    requests: Bucket,
    bytes: Bucket,
    under_way: u32,
    /// When something last entered or left.
    used: Timestamp,
}

impl Lane {
    fn new(rules: &Traffic, now: Timestamp) -> Self {
        Self {
            circuit: Circuit::Closed { failures: 0 },
            requests: Bucket::full(rules.requests_per_minute.into(), now),
            bytes: Bucket::full(rules.bytes_per_minute, now),
            under_way: 0,
            used: now,
        }
    }

    /// Lets one request in, and says whether it tries the host out.
    fn enter(&mut self, rules: &Traffic, bytes: u64, now: Timestamp) -> Result<bool, ServiceError> {
        if self.under_way >= rules.concurrent {
            return Err(later("http-concurrent", rules.concurrent.into(), Duration::from_secs(1)));
        }
        if let Some(wait) = self.requests.wait(1, now) {
            return Err(later("http-requests-per-minute", rules.requests_per_minute.into(), wait));
        }
        if let Some(wait) = self.bytes.wait(bytes.max(1), now) {
            return Err(later("http-bytes-per-minute", rules.bytes_per_minute, wait));
        }
        let trying = self.circuit.admit(now).map_err(|wait| later("http-circuit", 0, wait))?;
        self.requests.take(1);
        self.bytes.take(bytes);
        self.under_way += 1;
        self.used = now;
        Ok(trying)
    }

    /// Whether it can be forgotten: it is as good as new, or was left alone for so long that it might as well be.
    fn is_over(&mut self, rules: &Traffic, now: Timestamp) -> bool {
        let forgotten = (rules.longest_pause * 2).max(Duration::from_secs(120));
        let as_new =
            self.circuit == (Circuit::Closed { failures: 0 }) && self.requests.is_full(now) && self.bytes.is_full(now);
        self.under_way == 0 && (as_new || self.used.distance(now) >= forgotten)
    }
}

/// All lanes.
pub(crate) struct Lanes {
    rules: Traffic,
    clock: Arc<dyn Clock>,
    all: Mutex<HashMap<Owner, HashMap<String, Lane>>>,
}

impl Lanes {
    pub(crate) fn new(rules: Traffic, clock: Arc<dyn Clock>) -> Self {
        Self { rules, clock, all: Mutex::default() }
    }

    /// Lets a request with a body of so many bytes in, or says when to come again.
    pub(crate) fn enter<'a>(&'a self, owner: Owner, host: &'a str, bytes: u64) -> Result<Passage<'a>, ServiceError> {
        let now = self.clock.now();
        let mut all = self.lock();
        let own = match all.get_mut(&owner) {
            Some(own) => own,
            None => all.entry(owner.clone()).or_default(),
        };
        let trying = match own.get_mut(host) {
            Some(lane) => lane.enter(&self.rules, bytes, now)?,
            None => self.opened(own, host, now)?.enter(&self.rules, bytes, now)?,
        };
        drop(all);
        let (begun, end) = (AtomicBool::new(false), End::Failed);
        Ok(Passage { lanes: self, owner, host, trying, begun, end, received: 0 })
    }

    /// A new lane, where there is room for one.
    fn opened<'l>(
        &self,
        own: &'l mut HashMap<String, Lane>,
        host: &str,
        now: Timestamp,
    ) -> Result<&'l mut Lane, ServiceError> {
        if own.len() >= MAX_LANES {
            own.retain(|_, lane| !lane.is_over(&self.rules, now));
        }
        match own.len() >= MAX_LANES {
            true => Err(later("http-hosts", MAX_LANES as u64, Duration::from_secs(60))),
            false => Ok(own.entry(host.to_owned()).or_insert_with(|| Lane::new(&self.rules, now))),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Owner, HashMap<String, Lane>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request's way through its lane. Dropped before it left, it counts as failed where the host was asked: what is cut off
/// from outside took too long.
pub(crate) struct Passage<'a> {
    lanes: &'a Lanes,
    owner: Owner,
    host: &'a str,
    trying: bool,
    begun: AtomicBool,
    end: End,
    received: u64,
}

impl Passage<'_> {
    /// The host is asked from here on: what goes wrong now is its failure.
    pub(crate) fn begins(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Leaves with this result.
    pub(crate) fn leave(mut self, result: &Result<Answer, ServiceError>) {
        (self.end, self.received) = match result {
            Ok(answer) => (End::Answered, answer.body.len() as u64),
            Err(ServiceError::Unavailable(_)) => (End::Failed, 0),
            // The answer was longer than it may be: so much of it was read.
            Err(ServiceError::Limited { .. }) => (End::Unsaid, MAX_BODY as u64),
            Err(_) => (End::Unsaid, 0),
        };
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        let now = self.lanes.clock.now();
        let begun = self.begun.load(Ordering::Relaxed);
        let end = if begun { self.end } else { End::Unsaid };
        let mut all = self.lanes.lock();
        let Some(lane) = all.get_mut(&self.owner).and_then(|own| own.get_mut(self.host)) else { return };
        lane.under_way = lane.under_way.saturating_sub(1);
        lane.used = now;
        if begun {
            lane.bytes.take(self.received);
        }
        lane.circuit.settle(self.trying, end, &self.lanes.rules, now);
    }
}

fn later(name: &'static str, allowed: u64, wait: Duration) -> ServiceError {
    let ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
    ServiceError::Limited { name, allowed, retry_after_ms: Some(ms) }
}

#[cfg(test)]
#[path = "lanes_test.rs"]
mod tests;
