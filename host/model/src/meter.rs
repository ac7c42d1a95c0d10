//! What the host counts of itself, where it happens: for whoever watches it (Prometheus, at `/metrics`).
//!
//! One meter a process, as there is one host a process. Counting is an atomic addition, and for what has labels a look through a short
//! list before it. What it says begins at zero with each start.
//!
//! Invariants: nobody waits for anybody to count; labels are names of the host's own, few, and never come from outside: no tenant, no
//! installation, no address; nothing of what is counted can be had from here again.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::audit::{Entry, Kind};

/// The most labels of one count; what comes beyond is counted as `other`.
const LABELS: usize = 192;
/// Upper bounds of durations, in microseconds.
pub const DURATIONS: [u64; 12] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 30_000_000];
/// Upper bounds of how many changes one commit serves.
pub const SIZES: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024];

/// The process's meter.
pub static METER: Meter = Meter::new();

/// Everything that is counted at its source.
pub struct Meter {
    /// Audit entries that were handed in to be written, by kind: before the commit, which may fail.
    pub entries: Counts,
    /// Permits, by capability.
    pub permits: Counts,
    /// Denials, by the layer that denied.
    pub denials: Counts,
    /// Calls into plugins that ended, by how.
    pub calls: Counts,
    /// How long those took.
    pub call_time: Histogram<12>,
    /// Requests out of plugins that ended, by outcome.
    pub egress: Counts,
    /// Requests through the door out, the host's own included: how long each took.
    pub egress_time: Histogram<12>,
    /// Commits of the database, by how many changes each served.
    pub commits: Histogram<10>,
    /// Requests to the host, by door and status: `webhooks 202`.
    pub http: Counts,
}

impl Meter {
    const fn new() -> Self {
        Self {
            entries: Counts::new(),
            permits: Counts::new(),
            denials: Counts::new(),
            calls: Counts::new(),
            call_time: Histogram::new(&DURATIONS),
            egress: Counts::new(),
            egress_time: Histogram::new(&DURATIONS),
            commits: Histogram::new(&SIZES),
            http: Counts::new(),
        }
    }

    /// Counts an entry that is written, and what it says: nearly all that happens has one. `kind` is its kind's name.
    pub fn entry(&self, entry: &Entry, kind: &str) {
        self.entries.add(kind, 1);
        match entry.kind {
            Kind::ActPermitted => self.permits.add(capability(entry), 1),
            Kind::ActDenied => self.denials.add(entry.text("layer").unwrap_or("none"), 1),
            Kind::ActOutcome if capability(entry) == "http" => {
                self.egress.add(entry.text("outcome").unwrap_or("none"), 1);
            }
            Kind::CallEnded => {
                self.calls.add(entry.text("end").unwrap_or("none"), 1);
                if let Some(micros) = entry.detail.get("wall-us").and_then(serde_json::Value::as_u64) {
                    self.call_time.observe(micros);
                }
            }
            _ => {}
        }
    }
}

/// The capability of an act, `http` of `http.send`.
fn capability(entry: &Entry) -> &str {
    entry.text("act").and_then(|act| act.split('.').next()).unwrap_or("none")
}

/// Numbers by a label.
pub struct Counts {
    slots: [(OnceLock<Box<str>>, AtomicU64); LABELS],
    other: AtomicU64,
}

impl Counts {
    const fn new() -> Self {
        Self { slots: [const { (OnceLock::new(), AtomicU64::new(0)) }; LABELS], other: AtomicU64::new(0) }
    }

    /// Adds to a label's number. The label must be one of the host's own words.
    pub fn add(&self, label: &str, many: u64) {
        for (name, count) in &self.slots {
            // Whoever comes second with a new label finds the first one's there, and looks on.
            if &**name.get_or_init(|| label.into()) == label {
                count.fetch_add(many, Ordering::Relaxed);
                return;
            }
        }
        self.other.fetch_add(many, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Vec<(String, u64)> {
        let named = self
            .slots
            .iter()
            .map_while(|(name, count)| name.get().map(|name| (name.to_string(), count.load(Ordering::Relaxed))));
        let mut all: Vec<_> = named.collect();
        match self.other.load(Ordering::Relaxed) {
            0 => {}
            other => all.push(("other".to_owned(), other)),
        }
        all
    }
}

/// How large something was, by upper bounds.
pub struct Histogram<const N: usize> {
    bounds: &'static [u64; N],
    buckets: [AtomicU64; N],
    beyond: AtomicU64,
    sum: AtomicU64,
}

/// What a histogram has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Upper bounds, and how many were above the one before and not above this one.
    pub buckets: Vec<(u64, u64)>,
    /// How many were above all bounds.
    pub beyond: u64,
    /// All of them together.
    pub sum: u64,
}

impl<const N: usize> Histogram<N> {
    const fn new(bounds: &'static [u64; N]) -> Self {
        Self { bounds, buckets: [const { AtomicU64::new(0) }; N], beyond: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    /// Counts one.
    pub fn observe(&self, value: u64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound).map_or(&self.beyond, |at| &self.buckets[at]);
        bucket.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Counts how long something takes: until what is given here is dropped, however that comes about.
    pub fn time(&self) -> Timing<'_, N> {
        Timing { of: self, since: Instant::now() }
    }

    /// What was counted so far.
    pub fn read(&self) -> Observed {
        let at = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Observed {
            buckets: self.bounds.iter().zip(&self.buckets).map(|(bound, count)| (*bound, at(count))).collect(),
            beyond: at(&self.beyond),
            sum: at(&self.sum),
        }
    }
}

/// Something that takes its time.
pub struct Timing<'a, const N: usize> {
    of: &'a Histogram<N>,
    since: Instant,
}

impl<const N: usize> Timing<'_, N> {
    /// For how long it has been.
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }
}

impl<const N: usize> Drop for Timing<'_, N> {
    fn drop(&mut self) {
        self.of.observe(u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audit::Actor, time::Timestamp};

    #[test]
    fn labels_that_come_at_once_are_counted_once_each() {
        static COUNTS: Counts = Counts::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..1_000).for_each(|n| COUNTS.add(&format!("l{}", n % 10), 1)));
            }
        });
        let mut all = COUNTS.read();
        all.sort();
        let expected: Vec<_> = (0..10).map(|n| (format!("l{n}"), 800)).collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn however_many_labels_there_are_the_list_ends() {
        let counts = Box::new(Counts::new());
        (0..1_000).for_each(|n| counts.add(&format!("l{n}"), 2));
        let all = counts.read();
        assert_eq!((all.len(), all.last()), (LABELS + 1, Some(&("other".to_owned(), 2 * (1_000 - LABELS as u64)))));
    }

    #[test]
    fn a_value_is_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::new(&SIZES);
        [0, 1, 2, 3, 1024, 5_000].into_iter().for_each(|size| histogram.observe(size));
        let seen = histogram.read();
        assert_eq!((seen.beyond, seen.sum), (1, 6_030));
        assert_eq!(seen.buckets.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [2, 1, 1, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn an_entry_is_counted_by_what_it_says() {
        let meter = Box::new(Meter::new());
        let entry = |kind| Entry::new(Timestamp(0), kind, Actor::Host, None);
        let ended = entry(Kind::CallEnded).with("end", "ok").with("wall-us", 700);
        for entry in [
            entry(Kind::ActPermitted).with("act", "http.send"),
            entry(Kind::ActDenied).with("act", "http.send").with("layer", "granted"),
            entry(Kind::ActOutcome).with("act", "http.send").with("outcome", "ok"),
            entry(Kind::ActOutcome).with("act", "kv.set").with("outcome", "ok"),
            ended,
        ] {
            meter.entry(&entry, &entry.kind.name());
        }
        let one = |label: &str| vec![(label.to_owned(), 1)];
        assert_eq!((meter.permits.read(), meter.denials.read()), (one("http"), one("granted")));
        assert_eq!((meter.egress.read(), meter.calls.read()), (one("ok"), one("ok")));
        assert_eq!(meter.call_time.read().buckets[1], (1_000, 1));
        assert_eq!(meter.entries.read().len(), 4);
    }
}
