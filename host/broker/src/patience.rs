//! Answers for an end to waiting, without a new timer for each request.
//!
//! A timer that is registered while none is due before it wakes the thread that waits for input and output: on an idle machine that
//! is one more wake-up across threads for each request. One that is registered already is put off in a single atomic step. So
//! timers are kept, and put off for whoever waits next.
//!
//! Invariants: nothing waits for longer than its time, however much it does meanwhile; a timer that is kept wakes nobody who has not
//! asked it since, and is put off only for whoever begins to wait in the runtime that made it.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use tokio::{
    runtime::{self, Handle},
    task::coop::unconstrained,
    time::{Instant, Sleep, sleep},
};

/// The most timers that are kept: as many as connections wait at most.
const MAX_KEPT: usize = 512;

/// How long is waited, and the timers for it.
pub(crate) struct Patience {
    time: Duration,
    kept: Mutex<Vec<Timer>>,
}

/// A timer, and the runtime that looks after it: another one's may be late, or gone.
struct Timer {
    of: runtime::Id,
    sleep: Pin<Box<Sleep>>,
}

impl Patience {
    /// For waiting so long.
    pub(crate) fn of(time: Duration) -> Self {
        Self { time, kept: Mutex::default() }
    }

    /// How long is waited.
    pub(crate) fn time(&self) -> Duration {
        self.time
    }

    /// Waits for this, for so long: `None` where it takes longer.
    pub(crate) async fn with<F: Future>(&self, work: F) -> Option<F::Output> {
        let mut timer = self.timer();
        let mut work = pin!(work);
        let done = poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            // Work that used up the task's budget must not keep its own end from being looked at.
            Poll::Pending => pin!(unconstrained(timer.sleep.as_mut())).poll(context).map(|()| None),
        });
        let done = done.await;
        self.keep(timer);
        done
    }

    fn timer(&self) -> Timer {
        let of = Handle::current().id();
        match self.kept_of(of) {
            Some(mut timer) => {
                timer.sleep.as_mut().reset(Instant::now() + self.time);
                timer
            }
            None => Timer { of, sleep: Box::pin(sleep(self.time)) },
        }
    }

    fn kept_of(&self, of: runtime::Id) -> Option<Timer> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().rposition(|timer| timer.of == of)?;
        Some(kept.swap_remove(place))
    }

    fn keep(&self, timer: Timer) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_KEPT {
            kept.push(timer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn ends_what_takes_too_long_and_a_kept_timer_begins_anew() {
        let patience = Patience::of(Duration::from_millis(200));
        let kept = || patience.kept.lock().unwrap().len();
        for _ in 0..3 {
            let began = std::time::Instant::now();
            assert_eq!(patience.with(pending::<()>()).await, None);
            assert!(began.elapsed() >= Duration::from_millis(195), "{:?}", began.elapsed());
            assert_eq!(kept(), 1);
            // Half of its time passes, and all of it is there again.
            let half = tokio::time::sleep(Duration::from_millis(100));
            assert_eq!(patience.with(half).await, Some(()));
            assert_eq!(patience.with(ready(7)).await, Some(7));
        }
    }

    #[tokio::test]
    async fn ends_what_never_rests() {
        let patience = Patience::of(Duration::from_millis(50));
        let began = std::time::Instant::now();
        let busy = async {
            while began.elapsed() < Duration::from_secs(5) {
                tokio::task::coop::consume_budget().await;
            }
        };
        assert_eq!(patience.with(busy).await, None);
    }

    #[test]
    fn a_timer_of_a_runtime_that_rests_is_not_waited_for_in_another() {
        let runtime = || runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (resting, running) = (runtime(), runtime());
        let patience = Patience::of(Duration::from_millis(50));
        assert_eq!(resting.block_on(patience.with(ready(1))), Some(1));
        let long = async { tokio::time::sleep(Duration::from_secs(5)).await };
        assert_eq!(running.block_on(patience.with(long)), None);
        assert_eq!(patience.kept.lock().unwrap().len(), 2);
        let again = resting.block_on(patience.with(ready(2)));
        assert_eq!((again, patience.kept.lock().unwrap().len()), (Some(2), 2), "each takes its own");
    }

    #[tokio::test]
    async fn what_waits_at_once_has_a_timer_each() {
        let patience = Patience::of(Duration::from_millis(100));
        let both = async {
            tokio::join!(patience.with(pending::<()>()), patience.with(ready(1)), patience.with(pending::<()>()))
        };
        assert_eq!(both.await, (None, Some(1), None));
        assert_eq!(patience.kept.lock().unwrap().len(), 2, "the second one's was there for the third");
    }
}
