//! What the stand-ins for storage share: the bounds that grants set, and the time.

use std::time::Duration;

use super::Host;

/// The time of a host: it stands still until a test moves it.
struct Time {
    now: u64,
    /// When the event that is being handled was delivered.
    began: u64,
}

impl Default for Time {
    fn default() -> Self {
        // When the events of these tests happened: 2026-11-02T09:30:00Z.
        let now = 1_793_611_800_000;
        Self { now, began: now }
    }
}

impl Host {
    /// Sets the time, in milliseconds since 1970. Without this it is 2026-11-02T09:30:00Z.
    pub fn at(self, now: u64) -> Self {
        self.part(|time: &mut Time| *time = Time { now, began: now });
        self
    }

    /// Lets time pass: by itself it stands still.
    pub fn pass(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.part(|time: &mut Time| time.now = time.now.saturating_add(by));
    }

    /// A call begins now.
    pub(super) fn begin(&self) {
        self.part(|time: &mut Time| time.began = time.now);
    }

    /// The time, and since when the present call runs, in milliseconds since 1970.
    pub(crate) fn time(&self) -> (u64, u64) {
        self.part(|time: &mut Time| (time.now, time.began))
    }

    /// What each granted scope of an action allows: bytes, and for how many seconds (`None`: without end).
    pub(crate) fn bounds(&self, action: &str) -> Vec<(u64, Option<u64>)> {
        let scopes = self.scopes_of(action);
        scopes.iter().filter_map(|scope| Some((scope.bytes("bytes")?, scope.seconds("ttl<")))).collect()
    }
}
