//! `wasi:clocks`: without the capability `clocks`, time that stands still but for waiting.
//!
//! The wall clock shows the second in which the call began; the monotonic clock begins at 0, and moves only by what the plugin
//! waited for. So a plugin can pause, and cannot time itself, its neighbours or the host. With the capability both run, in
//! steps of 1 ms, the monotonic one from 0 at the start of the call: the host's uptime shows in neither.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use portcullis_model::time::{Clock, Timestamp};
use tokio::time::Instant;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::{
    DynPollable, Pollable,
    bindings::clocks::{
        monotonic_clock,
        wall_clock::{self, Datetime},
    },
    subscribe,
};

/// Nanoseconds in a millisecond: the finest step.
const STEP: u64 = 1_000_000;

pub(super) struct HasClocks;

impl HasData for HasClocks {
    type Data<'a> = Clocks<'a>;
}

/// One call's time.
pub(super) struct Time {
    /// The host's clock, where it is granted.
    real: Option<Arc<dyn Clock>>,
    began: Timestamp,
    start: Instant,
    /// Nanoseconds that were waited for.
    waited: Arc<AtomicU64>,
}

impl Default for Time {
    fn default() -> Self {
        Self { real: None, began: Timestamp(0), start: Instant::now(), waited: Arc::default() }
    }
}

impl Time {
    /// From now on.
    pub fn new(clock: &Arc<dyn Clock>, real: bool) -> Self {
        Self { real: real.then(|| clock.clone()), began: clock.now(), ..Self::default() }
    }

    fn wall(&self) -> Datetime {
        let millis = match &self.real {
            Some(clock) => clock.now().0,
            None => self.began.0 - self.began.0.rem_euclid(1000),
        };
        let millis = u64::try_from(millis).unwrap_or(0);
        Datetime { seconds: millis / 1000, nanoseconds: u32::try_from(millis % 1000 * STEP).unwrap_or(0) }
    }

    fn monotonic(&self) -> u64 {
        match &self.real {
            Some(_) => nanos(self.start.elapsed()) / STEP * STEP,
            None => self.waited.load(Ordering::Relaxed),
        }
    }

    /// What is ready when the monotonic clock shows `when`.
    fn at(&self, when: u64) -> Wait {
        let until = match &self.real {
            Some(_) => {
                let steps = when.div_ceil(STEP).saturating_mul(STEP);
                self.start.checked_add(Duration::from_nanos(steps))
            }
            None => Instant::now().checked_add(Duration::from_nanos(when.saturating_sub(self.monotonic()))),
        };
        Wait { past: when <= self.monotonic(), until, shows: when, waited: self.waited.clone() }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Ready at a moment; never, where there is no such moment.
struct Wait {
    past: bool,
    until: Option<Instant>,
    shows: u64,
    waited: Arc<AtomicU64>,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Wait {
    async fn ready(&mut self) {
        match (std::mem::take(&mut self.past), self.until) {
            // Once to the back of the queue: a guest that polls in a loop must not keep others from being ready.
            (true, _) => tokio::task::yield_now().await,
            (false, Some(until)) => tokio::time::sleep_until(until).await,
            (false, None) => std::future::pending().await,
        }
        self.waited.fetch_max(self.shows, Ordering::Relaxed);
    }
}

/// What the host functions work on.
pub(super) struct Clocks<'a> {
    pub time: &'a Time,
    pub table: &'a mut ResourceTable,
}

impl wall_clock::Host for Clocks<'_> {
    fn now(&mut self) -> wasmtime::Result<Datetime> {
        Ok(self.time.wall())
    }

    fn resolution(&mut self) -> wasmtime::Result<Datetime> {
        Ok(match self.time.real {
            Some(_) => Datetime { seconds: 0, nanoseconds: 1_000_000 },
            None => Datetime { seconds: 1, nanoseconds: 0 },
        })
    }
}

impl monotonic_clock::Host for Clocks<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.time.monotonic())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(STEP)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let wait = self.table.push(self.time.at(when))?;
        subscribe(self.table, wait)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let when = self.time.monotonic().saturating_add(duration);
        self.subscribe_instant(when)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp(1_790_000_123_456)
        }
    }

    fn time(real: bool) -> Time {
        let clock: Arc<dyn Clock> = Arc::new(Fixed);
        Time::new(&clock, real)
    }

    #[tokio::test]
    async fn stands_still_but_for_waiting() {
        let time = time(false);
        assert_eq!((time.wall().seconds, time.wall().nanoseconds), (1_790_000_123, 0));
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(time.monotonic(), 0);
        let began = Instant::now();
        time.at(20_000_001).ready().await;
        assert!(began.elapsed() >= Duration::from_millis(20), "it really waits");
        assert_eq!(time.monotonic(), 20_000_001, "and shows just what was waited for");
        time.at(3).ready().await;
        assert_eq!(time.monotonic(), 20_000_001, "it never goes back");
        assert_eq!(time.wall().seconds, 1_790_000_123);
    }

    #[tokio::test]
    async fn where_it_is_granted_it_runs_from_0_in_steps() {
        let time = time(true);
        assert_eq!((time.wall().seconds, time.wall().nanoseconds), (1_790_000_123, 456_000_000));
        assert!(time.monotonic() < 1_000_000_000, "from the start of the call, not of the host");
        time.at(7_300_000).ready().await;
        let now = time.monotonic();
        assert!(now >= 7_300_000 && now.is_multiple_of(STEP), "{now}");
    }

    #[tokio::test]
    async fn what_is_too_far_is_never() {
        for real in [false, true] {
            let time = time(real);
            let mut wait = time.at(u64::MAX);
            let waited = tokio::time::timeout(Duration::from_millis(20), wait.ready()).await;
            assert!(waited.is_err());
            assert!(time.monotonic() < u64::MAX / 2);
        }
    }
}
