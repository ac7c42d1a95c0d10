//! Refused requests, counted. Written to the audit log as one entry a source and reason a second, so that a flood of bad
//! requests cannot fill the log.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder},
    source::Source,
    time::Timestamp,
};

use crate::problem::Reason;

/// What has been refused: by source (`None` for one that does not exist) and reason.
#[derive(Default)]
pub struct Refusals {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    fresh: BTreeMap<(Option<String>, Reason), (Option<Source>, u64)>,
    total: BTreeMap<Reason, u64>,
}

impl Refusals {
    /// Counts one.
    pub fn count(&self, source: Option<&Source>, reason: Reason) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (source.map(|s| s.name.to_string()), reason);
        counts.fresh.entry(key).or_insert_with(|| (source.cloned(), 0)).1 += 1;
        *counts.total.entry(reason).or_default() += 1;
    }

    /// How many were refused since the start, by reason.
    pub fn totals(&self) -> BTreeMap<Reason, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).total.clone()
    }

    /// Hands what is new to the audit log.
    pub fn flush(&self, recorder: &dyn Recorder, now: Timestamp) {
        let fresh = std::mem::take(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner).fresh);
        for ((name, reason), (source, count)) in fresh {
            let tenant = source.as_ref().map(|s| s.tenant.clone());
            let actor = source.map_or(Actor::Host, |s| Actor::Source { name: s.name });
            let entry = Entry::new(now, Kind::IngestRefused, actor, tenant)
                .about(format!("source:{}", name.as_deref().unwrap_or("unknown")))
                .with("reason", reason.name())
                .with("count", count);
            recorder.note(entry);
        }
    }
}
