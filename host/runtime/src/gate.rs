//! The gate that every call into the host passes: count it, decide, reserve, record, act, record how it ended.
//!
//! Invariants: a capability reaches its service only through [`Gate::act`], since only that makes the `Spent` permit; what
//! an act may use at most is reserved before its permit is recorded; a call's denials fill at most so much of the log.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use portcullis_model::{
    audit::{Recorder, plain},
    authority::{Authority, Denial, Layer},
    budget::{Cost, Resource},
    call::Call,
    error::ServiceError,
    invoke::CallEnd,
    permit::{Act, Effect, Spent, record_denial},
    scope::{Allows, Scope},
    time::{Clock, Timestamp},
};

use crate::{
    ledger::{CallBudget, Refusal, Reservation},
    limits::LimitReached,
    observe::{Observer, Unfit},
    wit::{denied, refused, types},
};

/// What a host function gives: the outer error traps the guest, the inner one it can handle.
pub type HostResult<T> = wasmtime::Result<Result<T, types::Error>>;

/// Why an act had no effect, or its effect is no answer.
#[derive(Debug)]
pub enum Refused {
    /// A layer of the authority says no; it is in the log. The duration: how long a budget's layer keeps to it.
    Denied(Box<Denial>, Option<Duration>),
    /// It was permitted and failed, or could not even be recorded.
    Service(ServiceError),
}

impl From<ServiceError> for Refused {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl Refused {
    /// Whether that is for what was asked, and not for what the service or somebody else did.
    fn is_for_what_was_asked(&self) -> bool {
        match self {
            Self::Denied(..) => true,
            Self::Service(error) => match error {
                ServiceError::Invalid(_) | ServiceError::NotFound | ServiceError::Limited { .. } => true,
                ServiceError::Conflict | ServiceError::Unavailable(_) | ServiceError::Frozen(_) => false,
            },
        }
    }
}

/// One call's way to the host.
#[derive(Clone)]
pub struct Gate {
    call: Arc<Call>,
    recorder: Arc<dyn Recorder>,
    clock: Arc<dyn Clock>,
    budget: Arc<CallBudget>,
    tally: Arc<Tally>,
    observer: Option<Arc<dyn Observer>>,
}

/// The most denials of one call that have entries of their own; the call's end counts the others, so that no loop can
/// fill the log.
const DENIALS: u32 = 20;

/// What a call has used of the countable things, and what it logged.
#[derive(Default)]
pub(crate) struct Tally {
    pub host_calls: AtomicU32,
    pub denials: AtomicU32,
    /// Whether anything was refused for what was asked: denied, or not to be had.
    pub refused: AtomicBool,
    pub log: Mutex<Log>,
}

/// The lines of one call.
#[derive(Default)]
pub(crate) struct Log {
    pub lines: Vec<(&'static str, String)>,
    pub bytes: u64,
    pub dropped: u32,
}

impl Tally {
    /// Denials that have no entry of their own.
    pub fn denials_unlisted(&self) -> u32 {
        self.denials.load(Ordering::Relaxed).saturating_sub(DENIALS)
    }

    /// Whether a call that ended so was in vain: something was refused to it, or it broke.
    pub fn was_in_vain(&self, end: &CallEnd) -> bool {
        matches!(end, CallEnd::Trapped(_) | CallEnd::Limit(_)) || self.refused.load(Ordering::Relaxed)
    }

    /// What the end of a call counts beside its CPU and wall-clock time.
    pub fn used(&self) -> Cost {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).bytes;
        Cost::of(Resource::HostCalls, self.host_calls.load(Ordering::Relaxed).into()).and(Resource::Log, log)
    }
}

impl Gate {
    pub(crate) fn new(
        call: Arc<Call>,
        recorder: Arc<dyn Recorder>,
        clock: Arc<dyn Clock>,
        budget: Arc<CallBudget>,
    ) -> Self {
        Self { call, recorder, clock, budget, tally: Arc::default(), observer: None }
    }

    pub(crate) fn observed_by(self, observer: Option<Arc<dyn Observer>>) -> Self {
        Self { observer, ..self }
    }

    /// Tells whoever looks on of a request that cannot even be judged.
    pub fn unfit(&self, request: Unfit<'_>) {
        self.tally.refused.store(true, Ordering::Relaxed);
        if let Some(observer) = &self.observer {
            observer.unfit(&self.call, request);
        }
    }

    /// The answer to what cannot even be decided about, such as a path that is none. What came of an act is passed on as it is.
    pub fn refuse<T>(&self, error: types::Error) -> HostResult<T> {
        if let types::Error::Invalid(_) = error {
            self.tally.refused.store(true, Ordering::Relaxed);
        }
        Ok(Err(error))
    }

    /// A refusal as the guest sees it. There is no other way to tell it.
    pub fn refused(&self, refusal: Refused) -> types::Error {
        if refusal.is_for_what_was_asked() {
            self.tally.refused.store(true, Ordering::Relaxed);
        }
        match refusal {
            Refused::Denied(denial, _) => denied(&denial),
            Refused::Service(error) => refused(error),
        }
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The call.
    pub fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// Counts a call into the host: the first thing that every host function does, whatever is wrong with its arguments. Past
    /// the limit it ends the whole call, since a guest that loops over host calls would not stop at an error.
    pub fn count(&self) -> wasmtime::Result<()> {
        let n = self.tally.host_calls.fetch_add(1, Ordering::Relaxed) + 1;
        match u64::from(n) > self.call.limits.host_calls {
            true => Err(LimitReached("host-calls").into()),
            false => Ok(()),
        }
    }

    /// What is left of a resource: in this call, in its installation's hour, and in its tenant's. A capability that reads by
    /// the page asks for no more than this, or a page that is larger than what is left is refused as a whole.
    pub fn room(&self, resource: Resource) -> u64 {
        self.budget.room(resource)
    }

    /// The installation's own bound on a resource in the hour, and what is left of it.
    pub fn hourly(&self, resource: Resource) -> (u64, u64) {
        self.budget.hourly(resource)
    }

    /// The time, by the host's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How many records a page may have: what is asked for, as far as there is room. Never none, so that a budget which is used
    /// up is said to be, and not taken for the end of the records.
    pub fn page(&self, most: u32) -> u32 {
        let room = u32::try_from(self.room(Resource::RecordsRead)).unwrap_or(u32::MAX);
        most.min(room).max(1)
    }

    /// How many handles a table of this call may hold.
    pub fn handles(&self) -> usize {
        usize::try_from(self.call.limits.handles).unwrap_or(usize::MAX)
    }

    /// What is said when it is full.
    pub fn too_many_handles(&self) -> types::Error {
        types::Error::Limited(types::Limit {
            name: "handles".into(),
            allowed: self.call.limits.handles,
            retry_after_ms: None,
        })
    }

    /// Decides about an act of the guest, as [`Gate::pass`]; what comes of it is in the form that the guest sees.
    pub async fn act<S, A, T, F, Fut>(&self, authority: &Authority<S>, act: A, effect: F) -> HostResult<T>
    where
        S: Scope + Allows<A>,
        A: Act,
        T: Effect + Send,
        F: FnOnce(Spent<A>) -> Fut + Send,
        Fut: Future<Output = Result<T, ServiceError>> + Send,
    {
        Ok(self.pass(authority, act, effect).await.map_err(|refusal| self.refused(refusal)))
    }

    /// Decides about an act; where it is permitted, reserves what it may use, records the permit, carries it out and records
    /// the outcome.
    pub async fn pass<S, A, T, F, Fut>(&self, authority: &Authority<S>, act: A, effect: F) -> Result<T, Refused>
    where
        S: Scope + Allows<A>,
        A: Act,
        T: Effect + Send,
        F: FnOnce(Spent<A>) -> Fut + Send,
        Fut: Future<Output = Result<T, ServiceError>> + Send,
    {
        let permit = match authority.permit(&self.call, act) {
            Ok(permit) => permit,
            Err(denial) => return Err(self.denied(denial, None).await),
        };
        let capability = A::NAME.split('.').next().unwrap_or(A::NAME);
        let reserved = match self.budget.reserve(capability, permit.act().cost()) {
            Ok(reserved) => reserved,
            Err(Refusal::Limited(error)) => return Err(error.into()),
            Err(Refusal::Suspended { reason, wait, tripped }) => {
                if tripped {
                    self.budget.write_now().await;
                }
                return Err(self.denied(permit.refuse(Layer::Budget, reason), Some(wait)).await);
            }
        };
        let recorded = match permit.record(self.recorder.as_ref(), self.clock.now()).await {
            Ok(recorded) => recorded,
            Err(error) => {
                reserved.settle(Cost::NONE);
                tracing::error!(%error, "an act was refused because its permit could not be recorded");
                return Err(ServiceError::Unavailable(error.to_string()).into());
            }
        };
        let done = recorded.spend(self.recorder.as_ref(), || self.clock.now(), effect).await;
        settle(reserved, &done);
        done.map_err(Refused::Service)
    }

    /// Writes a denial down, unless this call has had many.
    async fn denied(&self, denial: Box<Denial>, wait: Option<Duration>) -> Refused {
        if self.tally.denials.fetch_add(1, Ordering::Relaxed) < DENIALS {
            let recorded = record_denial(self.recorder.as_ref(), self.clock.now(), &self.call, &denial).await;
            if let Err(error) = recorded {
                tracing::error!(%error, "a denial could not be recorded");
            }
        }
        Refused::Denied(denial, wait)
    }

    /// Keeps a log line: escaped, cut at 4 KiB, and dropped past the call's limit.
    pub fn log(&self, level: &'static str, message: &str) {
        const MOST: usize = 4096;
        let line: String = message.chars().take(MOST).collect::<String>();
        let line = if line.len() > 512 { escape_long(&line) } else { plain(&line) };
        let mut log = self.tally.log.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = log.bytes + LINE + line.len() as u64;
        if bytes > self.call.limits.log_kib * 1024 {
            log.dropped += 1;
            return;
        }
        log.bytes = bytes;
        log.lines.push((level, line));
    }
}

/// Gives back what was reserved and not used.
fn settle<T: Effect>(reserved: Reservation, done: &Result<T, ServiceError>) {
    let cost = reserved.cost();
    if !cost.is_none() {
        reserved.settle(match done {
            Ok(value) => cost.used(&value.facts()),
            Err(error) => cost.failed(error),
        });
    }
}

/// What a line counts beside its text: an empty one is kept as well.
const LINE: u64 = 16;

/// As [`plain`], for more than it keeps: in pieces, so that a long line is escaped by the same rule.
fn escape_long(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(512).map(|piece| plain(&piece.iter().collect::<String>())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_in_vain_where_it_broke_or_was_refused_what_it_asked_for() {
        let tally = Tally::default();
        let failed = CallEnd::Failed { error: "denied", message: String::new() };
        for end in [CallEnd::Ok, failed, CallEnd::HostFailed("x".into()), CallEnd::Ended("x".into())] {
            assert!(!tally.was_in_vain(&end), "{end}");
        }
        assert!(tally.was_in_vain(&CallEnd::Trapped("x".into())) && tally.was_in_vain(&CallEnd::Limit("cpu-ms")));
        tally.refused.store(true, Ordering::Relaxed);
        assert!(tally.was_in_vain(&CallEnd::Ok));
    }

    #[test]
    fn what_the_service_or_somebody_else_did_is_held_against_nobody() {
        let asked = |error: ServiceError| Refused::from(error).is_for_what_was_asked();
        assert!(asked(ServiceError::Invalid("x".into())) && asked(ServiceError::NotFound));
        assert!(asked(ServiceError::limited("kv-bytes", 1)));
        assert!(!asked(ServiceError::Conflict) && !asked(ServiceError::Unavailable("x".into())));
        assert!(!asked(ServiceError::Frozen("x".into())));
    }
}
