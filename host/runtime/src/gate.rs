//! The gate that every call into the host passes: count it, decide, record, act, record how it ended.
//!
//! Invariant: a capability reaches its service only through [`Gate::act`], since only that makes the `Spent` permit.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use portcullis_model::{
    audit::{Recorder, plain},
    authority::Authority,
    call::Call,
    error::ServiceError,
    permit::{Act, Effect, Spent, note_denial},
    scope::{Allows, Scope},
    time::Clock,
};

use crate::{
    limits::LimitReached,
    wit::{denied, refused, types},
};

/// What a host function gives: the outer error traps the guest, the inner one it can handle.
pub type HostResult<T> = wasmtime::Result<Result<T, types::Error>>;

/// One call's way to the host.
#[derive(Clone)]
pub struct Gate {
    call: Arc<Call>,
    recorder: Arc<dyn Recorder>,
    clock: Arc<dyn Clock>,
    tally: Arc<Tally>,
}

/// What a call has used of the countable things, and what it logged.
#[derive(Default)]
pub(crate) struct Tally {
    pub host_calls: AtomicU32,
    pub http_requests: AtomicU32,
    pub log: Mutex<Log>,
}

/// The lines of one call.
#[derive(Default)]
pub(crate) struct Log {
    pub lines: Vec<(&'static str, String)>,
    pub bytes: u64,
    pub dropped: u32,
}

impl Gate {
    pub(crate) fn new(call: Arc<Call>, recorder: Arc<dyn Recorder>, clock: Arc<dyn Clock>) -> Self {
        Self { call, recorder, clock, tally: Arc::default() }
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

    /// Counts an outbound request.
    pub fn count_http(&self) -> Result<(), ServiceError> {
        let n = self.tally.http_requests.fetch_add(1, Ordering::Relaxed) + 1;
        match u64::from(n) > self.call.limits.http_requests {
            true => Err(ServiceError::limited("http-requests", self.call.limits.http_requests)),
            false => Ok(()),
        }
    }

    /// Decides about an act; where it is permitted, records the permit, carries it out and records the outcome.
    pub async fn act<S, A, T, F, Fut>(&self, authority: &Authority<S>, act: A, effect: F) -> HostResult<T>
    where
        S: Scope + Allows<A>,
        A: Act,
        T: Effect + Send,
        F: FnOnce(Spent<A>) -> Fut + Send,
        Fut: Future<Output = Result<T, ServiceError>> + Send,
    {
        let permit = match authority.permit(&self.call, act) {
            Ok(permit) => permit,
            Err(denial) => {
                note_denial(self.recorder.as_ref(), self.clock.now(), &self.call, &denial);
                return Ok(Err(denied(&denial)));
            }
        };
        let recorded = match permit.record(self.recorder.as_ref(), self.clock.now()).await {
            Ok(recorded) => recorded,
            Err(error) => {
                tracing::error!(%error, "an act was refused because its permit could not be recorded");
                return Ok(Err(types::Error::Unavailable));
            }
        };
        let done = recorded.spend(self.recorder.as_ref(), || self.clock.now(), effect).await;
        Ok(done.map_err(refused))
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

/// What a line counts beside its text: an empty one is kept as well.
const LINE: u64 = 16;

/// As [`plain`], for more than it keeps: in pieces, so that a long line is escaped by the same rule.
fn escape_long(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(512).map(|piece| plain(&piece.iter().collect::<String>())).collect()
}
