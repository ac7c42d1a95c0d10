//! Spans of OpenTelemetry, made from what the audit log says: an event that came in, a call into a plugin or a back end's visit, and each
//! act of it, requests out among them (OTLP's JSON encoding, opentelemetry-proto `trace/v1`).
//!
//! The log has when each began and ended and where it is in its trace ([`portcullis_model::trace`]). So nothing is measured, kept or waited
//! for where calls run, and a collector that is slow or gone holds up nothing. Times are exact to a millisecond.
//!
//! Invariants: a span has names of the host's own, ids of installations and numbers: nothing of a request, an event or a person, and no
//! address; a call is sent with all its acts or not at all; what is remembered until a call ends is bounded.

use std::collections::{HashMap, VecDeque};

use portcullis_model::{
    audit::{Actor, Entry, Kind, reader::Shown},
    time::Timestamp,
    trace::Traceparent,
};
use serde_json::{Value, json};

/// The most acts that are remembered until their calls end, and the most events until their calls do.
const OPEN: usize = 16_384;

/// Kinds of spans, as OTLP numbers them.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;

/// Makes spans of entries, in the log's order.
pub struct Spans {
    /// Out of how many traces, of 2^64, one is sent.
    below: u128,
    calls: Recent<Vec<Span>>,
    acts: usize,
    /// The span of each event, for the calls that follow from it.
    events: Recent<String>,
}

/// One span. Nothing of it is a text from outside.
struct Span {
    name: String,
    kind: u8,
    place: Traceparent,
    /// The span that it follows from.
    parent: Option<String>,
    from: Timestamp,
    /// Absent where it has not ended.
    to: Option<Timestamp>,
    /// What went wrong, in a word.
    error: Option<String>,
    attributes: Vec<(&'static str, Value)>,
}

impl Spans {
    /// Of this share of all traces, from 0 to 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 2^64, and never below 0")]
    pub fn new(ratio: f64) -> Self {
        let below = (ratio.clamp(0.0, 1.0) * 2f64.powi(64)) as u128;
        Self { below, calls: Recent::default(), acts: 0, events: Recent::default() }
    }

    /// What stands before the spans of a request, and what after them. Spans are joined by commas. `origin`: the log's.
    pub fn around(origin: &str) -> (String, String) {
        let version = env!("CARGO_PKG_VERSION");
        let resource = attributes([
            ("service.name", text("portcullis")),
            ("service.version", text(version)),
            ("service.instance.id", text(origin)),
        ]);
        let scope = json!({ "name": "portcullis.host", "version": version });
        let head = format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":{resource}}},"scopeSpans":[{{"scope":{scope},"spans":["#
        );
        (head, "]}]}]}".to_owned())
    }

    /// The spans that are whole with this entry, each as JSON. Most entries have none.
    pub fn take(&mut self, shown: &Shown) -> Vec<Vec<u8>> {
        let Some((entry, place)) = shown.entry.as_ref().and_then(|entry| Some((entry, placed(entry)?))) else {
            return Vec::new();
        };
        if !self.is_sent(&place) {
            return Vec::new();
        }
        let whole = match entry.kind {
            Kind::EventReceived => vec![self.received(entry, place)],
            Kind::ActPermitted | Kind::ActOutcome | Kind::ActUnknown | Kind::ActDenied => {
                self.act(entry, place);
                Vec::new()
            }
            Kind::CallEnded | Kind::VisitEnded => self.ended(entry, place),
            _ => Vec::new(),
        };
        whole.iter().filter_map(|span| serde_json::to_vec(&span.json()).ok()).collect()
    }

    /// As OpenTelemetry's own sampler: by the last eight bytes, so that others choose the same traces.
    fn is_sent(&self, place: &Traceparent) -> bool {
        let low = place.trace_id().get(16..).and_then(|low| u64::from_str_radix(low, 16).ok());
        low.is_some_and(|low| u128::from(low) < self.below)
    }

    fn received(&mut self, entry: &Entry, place: Traceparent) -> Span {
        if let Some(event) = &entry.resource {
            self.events.put(event.clone(), place.span_id());
            self.events.bound(OPEN);
        }
        let parent = entry.text("sender-span").filter(|span| is_span(span)).map(str::to_owned);
        Span { parent, ..Span::new("event", SERVER, place, entry.time, Some(entry.time)) }
    }

    /// Keeps an act until its call ends: where the call is in the trace is said only then.
    fn act(&mut self, entry: &Entry, place: Traceparent) {
        let (Some(call), Some(name)) = (call_of(entry), entry.text("act")) else { return };
        let open = self.calls.or_new(call);
        let begun = open.iter_mut().find(|span| span.place == place);
        let span = match begun {
            Some(span) => span,
            None => {
                let kind = if name == "http.send" { CLIENT } else { INTERNAL };
                open.push(Span::new(name, kind, place, entry.time, None));
                self.acts += 1;
                let Some(span) = open.last_mut() else { return };
                span
            }
        };
        if entry.kind != Kind::ActPermitted {
            span.end(entry);
        }
        while self.acts > OPEN
            && let Some(forgotten) = self.calls.oldest()
        {
            self.acts -= forgotten.len();
        }
    }

    /// A call that is over, and the acts that it did.
    fn ended(&mut self, entry: &Entry, place: Traceparent) -> Vec<Span> {
        let wall = entry.detail.get("wall-us").and_then(Value::as_u64).unwrap_or(0).div_ceil(1_000);
        let from = Timestamp(entry.time.0.saturating_sub(i64::try_from(wall).unwrap_or(0)));
        let (name, kind) = if entry.kind == Kind::VisitEnded { ("visit", SERVER) } else { ("call", INTERNAL) };
        let end = entry.text("end").unwrap_or("ok").to_owned();
        let mut acts = call_of(entry).and_then(|call| self.calls.remove(call)).unwrap_or_default();
        self.acts -= acts.len();
        for act in &mut acts {
            act.parent = Some(place.span_id());
            // The call did not learn how it ended.
            act.error = act.error.take().or_else(|| act.to.is_none().then(|| "unknown".to_owned()));
            act.to = act.to.or(Some(entry.time));
            act.attributes.extend(whose(entry));
        }
        let earliest = acts.iter().map(|act| act.from).min().map_or(from, |first| first.min(from));
        let mut call = Span::new(name, kind, place, earliest, Some(entry.time));
        call.parent = self.parent(entry, &place);
        call.error = (end != "ok").then_some(end);
        call.attributes.extend(whose(entry));
        acts.insert(0, call);
        acts
    }

    /// The event that a call handles: one that came in while this host looked on, or one that began the trace.
    fn parent(&self, entry: &Entry, place: &Traceparent) -> Option<String> {
        let event = entry.resource.as_deref().filter(|resource| !resource.starts_with("event:api:"))?;
        if let Some(span) = self.events.get(event) {
            return Some(span.clone());
        }
        let own = Traceparent::of_event(None, event.strip_prefix("event:")?);
        (own.trace_id() == place.trace_id()).then(|| own.span_id())
    }
}

impl Span {
    fn new(name: &str, kind: u8, place: Traceparent, from: Timestamp, to: Option<Timestamp>) -> Self {
        Self { name: name.to_owned(), kind, place, parent: None, from, to, error: None, attributes: Vec::new() }
    }

    /// An act has come to its end, by what an entry says.
    fn end(&mut self, entry: &Entry) {
        let word = match entry.kind {
            Kind::ActDenied => "denied",
            Kind::ActUnknown => "unknown",
            _ => entry.text("outcome").unwrap_or("unknown"),
        };
        self.to = Some(entry.time);
        self.error = (word != "ok").then(|| word.to_owned());
        if let Some(layer) = entry.text("layer") {
            self.attributes.push(("portcullis.layer", text(layer)));
        }
        if let Some(status) = entry.detail.get("status").and_then(Value::as_u64).filter(|_| self.kind == CLIENT) {
            self.attributes.push(("http.response.status_code", json!({ "intValue": status.to_string() })));
        }
    }

    fn json(&self) -> Value {
        let nanoseconds = |at: Timestamp| at.0.max(0).unsigned_abs().saturating_mul(1_000_000).to_string();
        let to = self.to.unwrap_or(self.from);
        let error = self.error.iter().map(|error| ("error.type", text(error)));
        let mut span = json!({
            "traceId": self.place.trace_id(),
            "spanId": self.place.span_id(),
            "name": self.name,
            "kind": self.kind,
            "startTimeUnixNano": nanoseconds(self.from.min(to)),
            "endTimeUnixNano": nanoseconds(to),
            "attributes": attributes(self.attributes.iter().cloned().chain(error)),
            // 2 is an error; what went well has no status of its own.
            "status": { "code": if self.error.is_some() { 2 } else { 0 } },
        });
        if let Some(parent) = &self.parent {
            span["parentSpanId"] = json!(parent);
        }
        span
    }
}

/// Values by key, the oldest of them forgotten first.
struct Recent<T> {
    values: HashMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { values: HashMap::new(), order: VecDeque::new() }
    }
}

impl<T> Recent<T> {
    fn get(&self, key: &str) -> Option<&T> {
        self.values.get(key)
    }

    fn put(&mut self, key: String, value: T) {
        if self.values.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
    }

    fn or_new(&mut self, key: &str) -> &mut T
    where
        T: Default,
    {
        if !self.values.contains_key(key) {
            self.put(key.to_owned(), T::default());
        }
        self.values.entry(key.to_owned()).or_default()
    }

    fn remove(&mut self, key: &str) -> Option<T> {
        let value = self.values.remove(key)?;
        // Keys that are gone are left in the order until there are as many of them as of others.
        if self.order.len() > 64 + 2 * self.values.len() {
            self.order.retain(|key| self.values.contains_key(key));
        }
        Some(value)
    }

    fn oldest(&mut self) -> Option<T> {
        while let Some(key) = self.order.pop_front() {
            if let Some(value) = self.values.remove(&key) {
                return Some(value);
            }
        }
        None
    }

    fn bound(&mut self, most: usize) {
        while self.values.len() > most && self.oldest().is_some() {}
    }
}

fn placed(entry: &Entry) -> Option<Traceparent> {
    Traceparent::parse(entry.trace.as_deref()?)
}

fn call_of(entry: &Entry) -> Option<&str> {
    match &entry.actor {
        Actor::Plugin { call, .. } => Some(call.as_str()),
        _ => None,
    }
}

fn whose(entry: &Entry) -> Vec<(&'static str, Value)> {
    match &entry.actor {
        Actor::Plugin { installation, plugin, .. } => {
            vec![("portcullis.installation", text(installation.as_str())), ("portcullis.plugin", text(plugin.as_str()))]
        }
        _ => Vec::new(),
    }
}

fn is_span(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn text(value: &str) -> Value {
    json!({ "stringValue": value })
}

fn attributes(named: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    named.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

#[cfg(test)]
mod tests;
