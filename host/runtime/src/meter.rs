//! CPU time of one call, measured on the thread that runs it. A call that waits, for the host or for its turn, uses none.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// How much CPU time a call has used.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Nanoseconds in polls that are over.
    past: AtomicU64,
    /// The thread's CPU clock when the present poll began.
    began: AtomicU64,
}

pub(crate) fn thread_nanos() -> u64 {
    let at = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(at.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(at.tv_nsec).unwrap_or(0)
}

impl Meter {
    /// CPU time used so far, from within the call.
    pub fn used_now(&self) -> Duration {
        let present = thread_nanos().saturating_sub(self.began.load(Ordering::Relaxed));
        Duration::from_nanos(self.past.load(Ordering::Relaxed) + present)
    }

    /// CPU time used, after the call.
    pub fn used(&self) -> Duration {
        Duration::from_nanos(self.past.load(Ordering::Relaxed))
    }
}

/// A future whose polls are measured.
pub(crate) struct Metered<F> {
    inner: Pin<Box<F>>,
    meter: Arc<Meter>,
}

impl<F> Metered<F> {
    pub fn new(inner: F, meter: Arc<Meter>) -> Self {
        Self { inner: Box::pin(inner), meter }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let began = thread_nanos();
        self.meter.began.store(began, Ordering::Relaxed);
        let polled = self.inner.as_mut().poll(cx);
        let spent = thread_nanos().saturating_sub(began);
        self.meter.past.fetch_add(spent, Ordering::Relaxed);
        polled
    }
}
