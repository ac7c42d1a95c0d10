//! The machine's clock and randomness: the only place that reads them.

use std::time::UNIX_EPOCH;

use portcullis_model::time::{Clock, Rng, Timestamp};

/// The system clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is given")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(clippy::disallowed_methods, reason = "this is the randomness that everybody else is given")]
    fn fill(&self, buffer: &mut [u8]) {
        // Without randomness there are no keys and no ids: nothing that could go on safely.
        if let Err(error) = getrandom::fill(buffer) {
            eprintln!("portcullis: the operating system gives no randomness: {error}");
            std::process::abort();
        }
    }
}
