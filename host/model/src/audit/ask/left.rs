//! Which records left for which host: within one call, what was read before something was sent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Entry, Field, Found, Span, StoreError, Tally, Walk, Whose, call_of, of_kinds};
use crate::{
    audit::{
        Kind,
        query::{Filter, Terms},
    },
    time::Timestamp,
};

const KINDS: [&str; 5] = ["act.permitted", "act.outcome", "call.ended", "visit.began", "visit.ended"];
/// What a search is about: the log says how many records it gave, and not which.
const LISTS: [&str; 3] = ["tickets", "users", "organizations"];
const NOTES: [&str; 2] = [
    "What a plugin stored (kv, files) and a later call sent is not in this list: see 'ask touched'.",
    "Possibly: of a search the log says how many records it gave, and not which; of an event's record a plugin was handed what its \
     grant let through.",
];
/// The most events that are asked for at once.
const EVENTS_AT_ONCE: usize = 50;

/// Record, destination, and whether it is certain.
type Leaving = (String, String, bool);

pub(super) async fn answer(
    walk: &mut Walk<'_>,
    whose: &Whose,
    record: Option<&str>,
    span: Span,
) -> Result<Found, StoreError> {
    let mut leavings = Leavings::new(record);
    let within = |filter| whose.narrow(filter).within(span.since, span.until);
    match record {
        None => walk.each(&within(of_kinds(&KINDS)), |index, entry| leavings.take(index, entry)).await?,
        Some(record) => {
            let calls = calls_with(walk, record, within).await?;
            walk.each_of_calls(&calls, &KINDS, |index, entry| leavings.take(index, entry)).await?;
        }
    }
    handed_with_events(walk, &mut leavings).await?;
    let finding = |((record, to, certain), counted): (Leaving, super::Counted)| {
        let perhaps = if certain { "" } else { " (possibly)" };
        let what = format!("{record} -> {to}{perhaps}, {} times", counted.count);
        let facts = BTreeMap::from([("record", json!(record)), ("to", json!(to)), ("certain", json!(certain))]);
        counted.finding(what, facts)
    };
    let findings = leavings.tally.0.into_iter().map(finding).collect();
    Ok((findings, NOTES.map(str::to_owned).to_vec()))
}

/// The calls that read a record, might have, or were handed it with their event.
async fn calls_with(
    walk: &mut Walk<'_>,
    record: &str,
    within: impl Fn(Filter) -> Filter,
) -> Result<Vec<String>, StoreError> {
    let mut calls = BTreeSet::new();
    let filter = within(of_kinds(&["act.outcome"])).and(Field::Record, record);
    let filter = list_of(record).into_iter().fold(filter, |filter, list| filter.and(Field::Record, list));
    walk.each(&filter, |_, entry| calls.extend(call_of(entry).map(str::to_owned))).await?;
    let mut events = Vec::new();
    let received = of_kinds(&["event.received"]).and(Field::Record, record);
    walk.each(&received, |_, entry| events.extend(entry.resource.clone())).await?;
    for some in events.chunks(EVENTS_AT_ONCE) {
        let ended = within(of_kinds(&["call.ended"]));
        let ended = some.iter().fold(ended, |filter, event| filter.and(Field::Record, event));
        walk.each(&ended, |_, entry| calls.extend(call_of(entry).map(str::to_owned))).await?;
    }
    Ok(calls.into_iter().collect())
}

/// Adds what calls that sent something were handed.
async fn handed_with_events(walk: &mut Walk<'_>, leavings: &mut Leavings<'_>) -> Result<(), StoreError> {
    let sent = std::mem::take(&mut leavings.sent);
    let events: Vec<&String> = sent.keys().collect();
    for some in events.chunks(EVENTS_AT_ONCE) {
        let filter = of_kinds(&["event.received"]);
        let filter = some.iter().fold(filter, |filter, event| filter.and(Field::Record, *event));
        walk.each(&filter, |index, entry| {
            let (Some(event), Some(record)) = (&entry.resource, entry.text("about")) else { return };
            if leavings.record.is_some_and(|asked| asked != record) {
                return;
            }
            for (host, request, time) in sent.get(event).into_iter().flatten() {
                let key = (record.to_owned(), host.clone(), false);
                leavings.tally.add(key.clone(), index, *time, "sent");
                name_as_well(&mut leavings.tally, &key, *request);
            }
        })
        .await?;
    }
    Ok(())
}

/// The search that may have given a record.
fn list_of(record: &str) -> Option<&'static str> {
    let kind = record.split_once(':')?.0;
    LISTS.into_iter().find(|list| list.strip_suffix('s') == Some(kind))
}

/// What was read so far, by call.
struct Leavings<'a> {
    record: Option<&'a str>,
    reads: BTreeMap<String, BTreeMap<(String, bool), u64>>,
    clients: BTreeMap<String, String>,
    requests: BTreeMap<String, Vec<Request>>,
    /// What was sent by calls that have ended, by their events.
    sent: BTreeMap<String, Vec<Request>>,
    tally: Tally<Leaving>,
}

/// Where to, by which entry, and when.
type Request = (String, u64, Timestamp);

impl<'a> Leavings<'a> {
    fn new(record: Option<&'a str>) -> Self {
        let (reads, clients, requests) = Default::default();
        Self { record, reads, clients, requests, sent: BTreeMap::new(), tally: Tally::new() }
    }

    fn take(&mut self, index: u64, entry: &Entry) {
        let Some(call) = call_of(entry).map(str::to_owned) else { return };
        match (entry.kind, entry.text("act")) {
            (Kind::ActPermitted, Some("http.send")) => {
                let Some(host) = Terms::of(entry).all(Field::Host).next().map(str::to_owned) else { return };
                for ((record, certain), read) in self.reads.get(&call).into_iter().flatten() {
                    let key = (record.clone(), host.clone(), *certain);
                    self.tally.add(key.clone(), *read, entry.time, "sent");
                    name_as_well(&mut self.tally, &key, index);
                }
                self.requests.entry(call).or_default().push((host, index, entry.time));
            }
            (Kind::ActOutcome, Some(act)) if act != "http.send" && entry.text("outcome") == Some("ok") => {
                let Some(read) = self.read(entry) else { return };
                // Who reads over the API has it with the answer.
                if let Some(client) = self.clients.get(&call) {
                    let to = format!("client {client}");
                    self.tally.add((read.0.clone(), to, read.1), index, entry.time, "sent");
                }
                self.reads.entry(call).or_default().entry(read).or_insert(index);
            }
            (Kind::VisitBegan, _) => {
                let client = entry.text("client").map(|client| (call, client.to_owned()));
                self.clients.extend(client);
            }
            (Kind::CallEnded | Kind::VisitEnded, _) => {
                self.reads.remove(&call);
                self.clients.remove(&call);
                if let (Some(requests), Some(event)) = (self.requests.remove(&call), &entry.resource) {
                    self.sent.entry(event.clone()).or_default().extend(requests);
                }
            }
            _ => {}
        }
    }

    /// The record that an act read, and whether it certainly did; none where it read none, or not what is asked about.
    fn read(&self, entry: &Entry) -> Option<(String, bool)> {
        let resource = entry.resource.as_deref()?;
        let gave =
            entry.detail.get("records").or_else(|| entry.detail.get("bytes")).and_then(serde_json::Value::as_u64);
        let kind = resource.split_once(':').map_or(resource, |(kind, _)| kind);
        let is_list = LISTS.contains(&resource);
        if gave == Some(0) || (!is_list && !["ticket", "user", "organization", "attachment"].contains(&kind)) {
            return None;
        }
        match self.record {
            None => Some((resource.to_owned(), !is_list)),
            Some(record) if record == resource => Some((record.to_owned(), true)),
            Some(record) if is_list && list_of(record) == Some(resource) => Some((record.to_owned(), false)),
            Some(_) => None,
        }
    }
}

/// The request is evidence beside the reading.
fn name_as_well(tally: &mut Tally<Leaving>, key: &Leaving, index: u64) {
    if let Some(counted) = tally.0.get_mut(key)
        && counted.entries.len() < super::MOST_EVIDENCE
    {
        counted.entries.push(index);
    }
}
