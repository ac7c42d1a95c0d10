//! What is counted: at its source, and from the store.
//!
//! Invariant: what has to be looked up is looked up at most every few seconds, however often it is asked for.

use std::time::Duration;

use portcullis_api::ops::{Family, Kind, Sample, Value};
use portcullis_model::{
    meter::{METER, Observed},
    queue::{DeliveryState, Queue as _},
    time::Timestamp,
};

use super::Running;
use crate::backup;

/// For how long what was looked up is good.
const HOLDS: Duration = Duration::from_secs(10);
const MILLION: f64 = 1_000_000.0;

impl Running {
    /// All families.
    pub(super) async fn counted(&self) -> Vec<Family> {
        let mut families = at_the_source();
        families.push(gauge("tasks", "Background tasks that run.", self.alive.running() as u64));
        families.push(gauge("tasks_begun", "Background tasks that are to run.", self.alive.begun() as u64));
        families.push(gauge("audit_followers", "Who follows the audit log live.", self.live.followers() as u64));
        let info = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        families.push(Family {
            name: "build_info",
            help: "The version that runs.",
            kind: Kind::Gauge,
            samples: vec![Sample { labels: info, value: Value::Count(1) }],
        });
        if let Some(bytes) = resident() {
            families.push(gauge("resident_memory_bytes", "Memory of the process, that of guests included.", bytes));
        }
        let (now, mut last) = (self.host.clock.now(), self.derived.lock().await);
        match last.as_ref() {
            Some((at, derived)) if now.distance(*at) < HOLDS => families.extend(derived.iter().cloned()),
            _ => {
                let derived = self.derived(now).await;
                families.extend(derived.iter().cloned());
                *last = Some((now, derived));
            }
        }
        families
    }

    /// What is worked out from the store. What cannot be read is left out: that is seen, and says more than a zero.
    async fn derived(&self, now: Timestamp) -> Vec<Family> {
        let (store, mut families) = (&self.host.store, Vec::new());
        if let Ok(published) = self.published().await {
            families.push(gauge("audit_published", "Audit entries that are published.", published.size));
            let waiting = published.entries - published.size;
            families.push(gauge("audit_unpublished", "Audit entries that wait to be published.", waiting));
            families.push(seconds(
                "audit_publication_lag_seconds",
                "How long the oldest of those has waited.",
                published.waits,
            ));
        }
        if let Ok(depth) = store.depth().await {
            let named = depth.into_iter().map(|(state, count)| (state_name(state).to_owned(), count));
            families.push(Family::by(("deliveries", "Deliveries, by state.", Kind::Gauge), "state", named));
        }
        if let Ok(Some(due)) = store.oldest_due(now).await {
            families.push(seconds(
                "delivery_lag_seconds",
                "How long the oldest delivery that is due has waited.",
                now.distance(due),
            ));
        } else {
            families.push(seconds(
                "delivery_lag_seconds",
                "How long the oldest delivery that is due has waited.",
                Duration::ZERO,
            ));
        }
        if let Ok(count) = store.freeze_count().await {
            families.push(gauge("freezes", "Freezes in force.", count));
        }
        if let Ok(state) = backup::state(store, &self.host.config.backup, now).await {
            for (name, help, seen) in [
                ("backup_age_seconds", "How old the newest backup is.", &state.backup),
                ("backup_test_age_seconds", "How long ago a backup was last restored as a test.", &state.tested),
            ] {
                families.extend(seen.as_ref().map(|seen| seconds(name, help, now.distance(seen.at))));
            }
            families.push(gauge(
                "backup_open",
                "What of backups is not as the configuration asks.",
                state.open.len() as u64,
            ));
        }
        families
    }
}

fn at_the_source() -> Vec<Family> {
    let by = |name, help, label, counts: &portcullis_model::meter::Counts| {
        Family::by((name, help, Kind::Counter), label, counts.read())
    };
    let http = METER.http.read().into_iter().map(|(label, count)| {
        let (door, status) = label.split_once(' ').unwrap_or((&label, "none"));
        let labels = vec![("door", door.to_owned()), ("status", status.to_owned())];
        Sample { labels, value: Value::Count(count) }
    });
    vec![
        by("audit_entries", "Audit entries handed in to be written, by kind.", "kind", &METER.entries),
        by("permits", "Acts of plugins that were permitted, by capability.", "capability", &METER.permits),
        by("denials", "Acts of plugins that were denied, by the layer that denied.", "layer", &METER.denials),
        by("calls", "Calls into plugins, by how they ended.", "end", &METER.calls),
        histogram("call_seconds", "How long calls into plugins took.", &METER.call_time.read(), MILLION),
        by("egress_requests", "Requests of plugins to the outside, by outcome.", "outcome", &METER.egress),
        histogram("egress_seconds", "How long requests to the outside took.", &METER.egress_time.read(), MILLION),
        histogram("commit_changes", "How many changes one commit of the database served.", &METER.commits.read(), 1.0),
        Family {
            name: "http_requests",
            help: "Requests to the host, by door and status.",
            kind: Kind::Counter,
            samples: http.collect(),
        },
    ]
}

fn gauge(name: &'static str, help: &'static str, value: u64) -> Family {
    Family::single(name, help, Kind::Gauge, Value::Count(value))
}

fn seconds(name: &'static str, help: &'static str, value: Duration) -> Family {
    Family::single(name, help, Kind::Gauge, Value::Number(value.as_secs_f64()))
}

/// A histogram, in units of so many of what was observed.
#[expect(clippy::cast_precision_loss, reason = "Prometheus has numbers of this kind and no others")]
fn histogram(name: &'static str, help: &'static str, seen: &Observed, unit: f64) -> Family {
    let mut buckets: Vec<(f64, u64)> =
        seen.buckets.iter().map(|(bound, count)| (*bound as f64 / unit, *count)).collect();
    buckets.push((f64::MAX, seen.beyond));
    Family::single(name, help, Kind::Histogram, Value::Buckets(buckets, seen.sum as f64 / unit))
}

fn state_name(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Leased => "leased",
        DeliveryState::Done => "done",
        DeliveryState::Dead => "dead",
    }
}

/// The process's memory, where the system tells it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
