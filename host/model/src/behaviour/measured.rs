//! What a run took on the machine that it ran on. No part of the report, and under no digest: it is another one each time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The upper bounds of the classes of CPU time, in microseconds; the last class has none.
const BOUNDS: [u64; 8] = [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 1_000_000];

/// CPU and wall-clock time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Measured {
    /// Calls by their CPU time, fewest microseconds first.
    pub cpu: Vec<Bucket>,
    /// The most CPU time of one call, in microseconds.
    pub cpu_most_us: u64,
    /// The number of the input with it.
    pub cpu_most_input: u64,
    /// From start to end of the whole run, in milliseconds.
    pub elapsed_ms: u64,
}

/// A class of CPU time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bucket {
    /// Below so many microseconds; absent in the last class.
    pub below_us: Option<u64>,
    /// How many calls.
    pub calls: u64,
}

impl Measured {
    /// Takes one call into account.
    pub fn see(&mut self, cpu: Duration, input: u64) {
        if self.cpu.is_empty() {
            let bounds = BOUNDS.into_iter().map(Some).chain([None]);
            self.cpu = bounds.map(|below_us| Bucket { below_us, calls: 0 }).collect();
        }
        let micros = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
        let fits = |bucket: &&mut Bucket| bucket.below_us.is_none_or(|below| micros < below);
        if let Some(bucket) = self.cpu.iter_mut().find(fits) {
            bucket.calls += 1;
        }
        if micros > self.cpu_most_us {
            (self.cpu_most_us, self.cpu_most_input) = (micros, input);
        }
    }
}
