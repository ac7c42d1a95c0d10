//! An entry as a message of syslog (RFC 5424).
//!
//! MSG is the whole CloudEvent rather than a sentence: what a receiver keeps can then be led to the published log, by the bytes in
//! `raw_data`, and is found by the same names as what an export has.
//!
//! Structured data of a product's own needs a private enterprise number (RFC 5424, section 7.2.2), and the product has none; 32473 is for
//! examples in documentation (RFC 5612) and would collide with whoever took it for real. So there is an element `portcullis@<number>` where
//! the operator names a number of theirs, and without it the registered elements `origin` and `meta` alone: what it would say is in the
//! event as well.
//!
//! Invariants: a message has at most 8 KiB, which receivers should be able to take (RFC 5425, section 4.3.1), and is ASCII, so that it
//! needs no byte order mark; what had to be left out is named, and the hash of it is there; a header field holds no space.

use portcullis_model::audit::reader::Shown;
use serde_json::{Value, json};

use super::{Sender, Told, ascii};
use crate::{CloudEvent, Severity};

/// The most bytes of a message.
pub const LONGEST: usize = 8 * 1024;

/// The names of facilities, and their numbers (RFC 5424, table 1).
pub const FACILITIES: [(&str, u8); 14] = [
    ("user", 1),
    ("daemon", 3),
    ("auth", 4),
    ("authpriv", 10),
    ("audit", 13),
    ("alert", 14),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

/// The highest value of `sequenceId` (RFC 5424, section 7.3.1).
const LAST_SEQUENCE: u64 = 2_147_483_647;

/// How messages are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syslog {
    /// Whose they are.
    pub sender: Sender,
    /// Of [`FACILITIES`].
    pub facility: u8,
    /// HOSTNAME: what the receiver shall call this host.
    pub hostname: String,
    /// A private enterprise number of the operator's.
    pub enterprise: Option<u32>,
}

impl Syslog {
    /// The message for an entry; none for one that cannot be read.
    pub fn message(&self, shown: &Shown) -> Option<Vec<u8>> {
        let mut told = self.sender.told(shown)?;
        let head = self.head(&told);
        let mut left_out = "";
        for part in ["", "raw_data", "raw_data unmapped", "data"] {
            left_out = part;
            leave_out(&mut told.event, part);
            let room = LONGEST.saturating_sub(head.len() + 64);
            if ascii(&told.event).len() + self.data(&told, part).len() <= room {
                break;
            }
        }
        let mut message = format!("{head} {} {}", self.data(&told, left_out), ascii(&told.event)).into_bytes();
        message.truncate(LONGEST);
        Some(message)
    }

    fn head(&self, told: &Told) -> String {
        let severity = match told.severity {
            Severity::Informational => 6,
            Severity::Low => 5,
            Severity::Medium => 4,
            Severity::High => 3,
        };
        format!(
            "<{}>1 {} {} portcullis {} {}",
            u16::from(self.facility) * 8 + severity,
            told.event.time,
            field(&self.hostname, 255),
            std::process::id(),
            field(&told.kind, 32),
        )
    }

    /// The structured data.
    fn data(&self, told: &Told, left_out: &str) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let enterprise = self.enterprise.map_or_else(String::new, |number| format!(" enterpriseId=\"{number}\""));
        let mut data = format!(
            "[origin software=\"portcullis\" swVersion=\"{version}\"{enterprise}][meta sequenceId=\"{}\"]",
            told.index % LAST_SEQUENCE + 1
        );
        if let Some(number) = self.enterprise {
            data.push_str(&format!("[portcullis@{number} index=\"{}\"", told.index));
            for (name, value) in told.facts() {
                data.push_str(&format!(" {name}=\"{}\"", escaped(value)));
            }
            if !left_out.is_empty() {
                data.push_str(&format!(" leftOut=\"{left_out}\""));
            }
            data.push(']');
        }
        data
    }
}

/// Leaves a part of an event's data out, and says so in it.
fn leave_out(event: &mut CloudEvent, part: &str) {
    if part.is_empty() {
        return;
    }
    if part == "data" {
        event.subject = event.subject.take().map(|subject| subject.chars().take(256).collect());
        let kept = ["class_uid", "type_uid", "severity_id", "status_id", "time", "raw_data_hash", "raw_data_size"];
        event.data =
            kept.into_iter().filter_map(|name| Some((name.to_owned(), event.data.get(name)?.clone()))).collect();
    }
    if let Value::Object(data) = &mut event.data {
        part.split(' ').for_each(|name| drop(data.remove(name)));
        data.insert("left_out".to_owned(), json!(part));
    }
}

/// A field of the header: printable ASCII without spaces, or `-`.
fn field(text: &str, most: usize) -> String {
    let text: String = text.bytes().filter(|b| (0x21..0x7f).contains(b)).take(most).map(char::from).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

/// The value of a parameter (RFC 5424, section 6.3.3): UTF-8, of which the host writes ASCII alone.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' | '\\' | ']' => text.extend(['\\', c]),
            ' '..='~' => text.push(c),
            _ => text.push('?'),
        }
    }
    text
}
