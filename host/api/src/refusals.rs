//! Refused requests, counted. Written to the audit log by whose they are and why, so that a flood of bad requests cannot fill the log:
//! those of a source once a second and reason, those at other endpoints once a minute and endpoint.
//!
//! Invariants: nothing of a request is kept but its count; what is counted is written at the latest when the host stops.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder},
    id::SourceName,
    source::Source,
    time::Timestamp,
};
use serde_json::{Map, Value};

/// How often what is refused at one endpoint is written: the first time at once, and from then on.
const EACH: Duration = Duration::from_secs(60);

/// Whose a refused request is.
#[derive(Clone, Debug)]
pub enum Whose {
    /// One of a source of events, or of none that is known.
    Source(Option<Source>),
    /// One at an endpoint, by its name.
    Endpoint(&'static str),
}

/// What has been refused.
#[derive(Default)]
pub struct Refusals {
    counts: Mutex<Counts>,
}

type Reasons = BTreeMap<&'static str, u64>;

#[derive(Default)]
struct Counts {
    sources: BTreeMap<Option<SourceName>, (Option<Source>, Reasons)>,
    endpoints: BTreeMap<&'static str, Endpoint>,
}

/// What was refused at one endpoint since it was written last.
#[derive(Default)]
struct Endpoint {
    fresh: Reasons,
    written: Option<Timestamp>,
}

impl Refusals {
    /// Counts one.
    pub fn count(&self, whose: &Whose, reason: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let reasons = match whose {
            Whose::Source(source) => {
                let name = source.as_ref().map(|source| source.name.clone());
                &mut counts.sources.entry(name).or_insert_with(|| (source.clone(), Reasons::new())).1
            }
            Whose::Endpoint(name) => &mut counts.endpoints.entry(name).or_default().fresh,
        };
        *reasons.entry(reason).or_default() += 1;
    }

    /// Hands to the audit log what is due.
    pub fn flush(&self, recorder: &dyn Recorder, now: Timestamp) {
        self.write(recorder, now, |written| written.is_none_or(|written| now.distance(written) >= EACH));
    }

    /// Hands all of it to the audit log.
    pub fn flush_all(&self, recorder: &dyn Recorder, now: Timestamp) {
        self.write(recorder, now, |_| true);
    }

    fn write(&self, recorder: &dyn Recorder, now: Timestamp, due: impl Fn(Option<Timestamp>) -> bool) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let sources = std::mem::take(&mut counts.sources);
        let mut entries: Vec<Entry> =
            sources.into_values().flat_map(|(source, all)| of_source(source, all, now)).collect();
        for (name, endpoint) in &mut counts.endpoints {
            if !endpoint.fresh.is_empty() && due(endpoint.written) {
                endpoint.written = Some(now);
                entries.push(of_endpoint(name, std::mem::take(&mut endpoint.fresh), now));
            }
        }
        drop(counts);
        entries.into_iter().for_each(|entry| recorder.note(entry));
    }
}

fn of_source(source: Option<Source>, reasons: Reasons, now: Timestamp) -> impl Iterator<Item = Entry> {
    reasons.into_iter().map(move |(reason, count)| {
        let (tenant, name) = source.as_ref().map(|s| (s.tenant.clone(), s.name.clone())).unzip();
        let about = format!("source:{}", name.as_ref().map_or("unknown", SourceName::as_str));
        let actor = name.map_or(Actor::Host, |name| Actor::Source { name });
        Entry::new(now, Kind::IngestRefused, actor, tenant).about(about).with("reason", reason).with("count", count)
    })
}

fn of_endpoint(name: &str, reasons: Reasons, now: Timestamp) -> Entry {
    let counts: Map<String, Value> =
        reasons.into_iter().map(|(reason, count)| (reason.to_owned(), count.into())).collect();
    Entry::new(now, Kind::RequestRefused, Actor::Host, None).about(format!("endpoint:{name}")).with("counts", counts)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use portcullis_model::audit::RecordError;
    use serde_json::json;

    use super::*;

    #[derive(Default)]
    struct Log(Mutex<Vec<Entry>>);

    #[async_trait]
    impl Recorder for Log {
        async fn record(&self, _: Vec<Entry>) -> Result<(), RecordError> {
            Ok(())
        }
        fn note(&self, entry: Entry) {
            self.0.lock().unwrap().push(entry);
        }
    }

    #[test]
    fn an_endpoints_refusals_are_one_entry_a_minute() {
        let (refusals, log) = (Refusals::default(), Log::default());
        let flush = |seconds: i64| {
            refusals.flush(&log, Timestamp(seconds * 1_000));
            let entries = std::mem::take(&mut *log.0.lock().unwrap());
            entries
                .into_iter()
                .map(|entry| (entry.resource.unwrap(), entry.detail["counts"].clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(flush(0), []);
        (0..3).for_each(|_| refusals.count(&Whose::Endpoint("token"), "unknown-client"));
        refusals.count(&Whose::Endpoint("token"), "wrong-assertion");
        assert_eq!(flush(1), [("endpoint:token".to_owned(), json!({ "unknown-client": 3, "wrong-assertion": 1 }))]);
        (0..500).for_each(|_| refusals.count(&Whose::Endpoint("token"), "unknown-client"));
        refusals.count(&Whose::Endpoint("platform"), "password");
        assert_eq!(flush(2), [("endpoint:platform".to_owned(), json!({ "password": 1 }))], "the other is not due yet");
        assert_eq!(flush(60), []);
        assert_eq!(flush(61), [("endpoint:token".to_owned(), json!({ "unknown-client": 500 }))]);
        refusals.count(&Whose::Endpoint("token"), "unknown-client");
        assert_eq!(flush(62), []);
        refusals.flush_all(&log, Timestamp(63_000));
        assert_eq!(log.0.lock().unwrap().len(), 1, "nothing is lost at the end");
    }

    #[test]
    fn a_sources_refusals_are_told_by_reason_with_its_tenant() {
        let (refusals, log) = (Refusals::default(), Log::default());
        (0..2).for_each(|_| refusals.count(&Whose::Source(None), "unknown-source"));
        refusals.count(&Whose::Source(None), "unsigned");
        refusals.flush(&log, Timestamp(0));
        let entries = std::mem::take(&mut *log.0.lock().unwrap());
        let told: Vec<_> =
            entries.iter().map(|entry| (entry.text("reason").unwrap(), entry.detail["count"].clone())).collect();
        assert_eq!(told, [("unknown-source", json!(2)), ("unsigned", json!(1))]);
        assert!(entries.iter().all(|entry| entry.kind == Kind::IngestRefused && entry.tenant.is_none()));
        refusals.flush_all(&log, Timestamp(1));
        assert!(log.0.lock().unwrap().is_empty());
    }
}
