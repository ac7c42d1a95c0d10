//! Entries as log records of OpenTelemetry, in OTLP's JSON encoding.
//!
//! Source: opentelemetry-proto `logs/v1` and "OTLP specification", JSON Protobuf Encoding: 64-bit integers as strings, trace and span ids as
//! hex. The OpenTelemetry crates are not used: their pipeline drops records when its queue is full and retries in memory, where an outlet
//! reads the log again from where it is sure; what is left of them here is the form of four messages.
//!
//! Invariants: a record has the entry's time and place in its trace; its body is the CloudEvent as text, the same bytes as syslog has
//! before anything is left out; one record is one entry.

use portcullis_model::audit::reader::Shown;
use serde_json::{Value, json};

use super::{Sender, ascii};
use crate::Severity;

/// How records are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otlp {
    /// Whose they are.
    pub sender: Sender,
}

impl Otlp {
    /// What stands before the records of a request, and what after them. Records are joined by commas.
    pub fn around(&self) -> (String, String) {
        let version = env!("CARGO_PKG_VERSION");
        let resource = attributes(&[
            ("service.name", "portcullis"),
            ("service.version", version),
            ("service.instance.id", &self.sender.origin),
        ]);
        let scope = json!({ "name": "portcullis.audit", "version": version });
        let head = format!(
            r#"{{"resourceLogs":[{{"resource":{{"attributes":{resource}}},"scopeLogs":[{{"scope":{scope},"logRecords":["#
        );
        (head, "]}]}]}".to_owned())
    }

    /// The record of an entry; none of one that cannot be read.
    pub fn record(&self, shown: &Shown) -> Option<Vec<u8>> {
        let told = self.sender.told(shown)?;
        let (number, text) = match told.severity {
            Severity::Informational => (9, "INFO"),
            Severity::Low => (10, "INFO2"),
            Severity::Medium => (13, "WARN"),
            Severity::High => (17, "ERROR"),
        };
        let nanoseconds = told.event.time.0.max(0).unsigned_abs().saturating_mul(1_000_000).to_string();
        let facts: Vec<(String, &str)> =
            told.facts().map(|(name, value)| (format!("portcullis.{name}"), value)).collect();
        let mut named: Vec<(&str, &str)> = facts.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        named.push(("cloudevents.event_id", &told.event.id));
        let mut attributes = attributes(&named);
        if let Value::Array(all) = &mut attributes {
            all.push(json!({ "key": "portcullis.index", "value": { "intValue": told.index.to_string() } }));
        }
        let mut record = json!({
            "timeUnixNano": nanoseconds,
            "observedTimeUnixNano": nanoseconds,
            "severityNumber": number,
            "severityText": text,
            "eventName": told.event.kind,
            "body": { "stringValue": ascii(&told.event) },
            "attributes": attributes,
        });
        let parts: Vec<&str> = told.trace.iter().flat_map(|trace| trace.split('-')).collect();
        if let [_, trace, span, flags] = parts[..] {
            record["traceId"] = json!(trace);
            record["spanId"] = json!(span);
            record["flags"] = json!(u32::from_str_radix(flags, 16).unwrap_or(0));
        }
        serde_json::to_vec(&record).ok()
    }
}

fn attributes(named: &[(&str, &str)]) -> Value {
    named.iter().map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } })).collect()
}
