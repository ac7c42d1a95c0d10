//! What receivers outside are sent of an entry: a message of syslog, a record of OpenTelemetry (MON-3).
//!
//! Both hold the same CloudEvent, in ASCII: whatever is none is escaped as JSON has it, so that no receiver has to guess an encoding, and
//! the text reads back as the same characters.
//!
//! Invariants: without `personal` an entry is made from its body alone, in which personal values are commitments, so that no value can
//! come through by oversight; an entry that is gone or cannot be read is none, never an empty one; nothing is longer than its cap.

pub mod otlp;
pub mod syslog;

use portcullis_model::audit::{
    Entry, Openings,
    query::{Field, Terms},
    reader::Shown,
};

use crate::{CloudEvent, Severity, catalogue::line};

/// Whose entries they are, and how much of them is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The log's origin.
    pub origin: String,
    /// Whether personal values are sent.
    pub personal: bool,
}

/// An entry that is sent, and what receivers are told about it beside the event.
struct Told {
    event: CloudEvent,
    index: u64,
    kind: String,
    severity: Severity,
    tenant: Option<String>,
    installation: Option<String>,
    decision: Option<String>,
    trace: Option<String>,
}

impl Sender {
    fn told(&self, shown: &Shown) -> Option<Told> {
        let bare;
        let entry = match self.personal {
            true => shown.entry.as_ref()?,
            false => {
                bare = Entry::open(shown.body.as_ref()?.as_bytes(), &Openings::default()).ok()?;
                &bare
            }
        };
        let terms = Terms::of(entry);
        let first = |field| terms.all(field).next().map(str::to_owned);
        Some(Told {
            event: CloudEvent::of_entry(&self.origin, shown.index, entry, shown.body.as_deref()),
            index: shown.index,
            kind: entry.kind.name(),
            severity: line(entry.kind).severity,
            tenant: entry.tenant.as_ref().map(ToString::to_string),
            installation: first(Field::Installation),
            decision: first(Field::Decision),
            trace: entry.trace.clone(),
        })
    }
}

impl Told {
    /// Names and values, for receivers that find messages by them.
    fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let named = [
            ("kind", Some(&self.kind)),
            ("tenant", self.tenant.as_ref()),
            ("installation", self.installation.as_ref()),
            ("decision", self.decision.as_ref()),
            ("trace", self.trace.as_ref()),
        ];
        named.into_iter().filter_map(|(name, value)| Some((name, value?.as_str())))
    }
}

/// An event as JSON in ASCII. JSON has other characters within strings alone.
fn ascii(event: &CloudEvent) -> String {
    let text = serde_json::to_string(event).unwrap_or_default();
    if text.is_ascii() {
        return text;
    }
    let mut ascii = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match c.is_ascii() {
            true => ascii.push(c),
            false => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    ascii.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests;
