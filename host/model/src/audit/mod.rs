//! What is written to the audit log (MON-1), and the port it is written through.
//!
//! [`Entry`] is what happened, in the clear. [`Sealed`] is what of it goes into the log, and what lies beside: of a personal value the
//! log holds a salted commitment, and value and salt can be erased without breaking a proof (DAT-4).
//!
//! Invariants: an entry holds ids, names, numbers and decisions, never content and never a secret; every text in it is
//! cut and escaped; its encoding is under 64 KiB, the most a C2SP tlog-tiles entry can hold.

pub mod ask;
pub mod export;
mod kind;
pub mod query;
pub mod reader;
mod seal;
mod sealed;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    call::Call,
    id::{ActId, CallId, ClientId, Digest, InstallationId, PersonId, PluginId, SessionId, SourceName, TenantId},
    time::Timestamp,
    trace::Traceparent,
};

pub use kind::Kind;
pub use sealed::{ERASED, Opening, Openings, Salt, Sealed, SealedError, WITHHELD};

/// The longest text that an entry keeps, in characters.
const MAX_TEXT: usize = 512;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Actor {
    /// The host itself.
    Host,
    /// A person, by the name of the account on the machine where the command was given.
    Person {
        /// The account's name. A personal value: in the log stands its commitment.
        #[serde(deserialize_with = "sealed::text")]
        name: String,
    },
    /// A person with an account here, in one session.
    Account {
        /// Which account.
        person: PersonId,
        /// The person's name. A personal value: in the log stands its commitment.
        #[serde(deserialize_with = "sealed::text")]
        name: String,
        /// In which session; absent where the act was before there was one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        session: Option<SessionId>,
    },
    /// A tenant's own automation: an OAuth client that may use the admin API.
    Automation {
        /// Which client.
        client: ClientId,
    },
    /// A source of events.
    Source {
        /// Its name.
        name: SourceName,
    },
    /// An OAuth client, outside of the sandbox.
    Client {
        /// Which client.
        client: ClientId,
        /// On behalf of which installation.
        installation: InstallationId,
    },
    /// A plugin, in one call.
    Plugin {
        /// Which installation.
        installation: InstallationId,
        /// Which plugin.
        plugin: PluginId,
        /// Which release.
        release: Digest,
        /// Which call.
        call: CallId,
    },
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, by the host's clock.
    pub time: Timestamp,
    /// What happened.
    pub kind: Kind,
    /// Who did it.
    pub actor: Actor,
    /// In whose data; absent for the host's own acts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tenant: Option<TenantId>,
    /// What it was about, such as `ticket:1042`. One that names a person, such as `user:7`, is a personal value.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "sealed::optional_text")]
    pub resource: Option<String>,
    /// The W3C trace context that it belongs to, as in a `traceparent` header.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace: Option<String>,
    /// The rest, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default, deserialize_with = "sealed::detail")]
    pub detail: BTreeMap<String, Value>,
    /// Which of the details are personal values, beside what a person wrote into `reason`, `comment` or `public-note`.
    #[serde(skip)]
    pub personal: BTreeSet<String>,
}

impl Entry {
    /// An entry by this actor.
    pub fn new(time: Timestamp, kind: Kind, actor: Actor, tenant: Option<TenantId>) -> Self {
        Self {
            time,
            kind,
            actor,
            tenant,
            resource: None,
            trace: None,
            detail: BTreeMap::new(),
            personal: BTreeSet::new(),
        }
    }

    /// An entry by the plugin of this call.
    pub fn of_call(time: Timestamp, kind: Kind, call: &Call) -> Self {
        let actor = Actor::Plugin {
            installation: call.installation.clone(),
            plugin: call.plugin.clone(),
            release: call.release,
            call: call.id.clone(),
        };
        Self { trace: Some(call.trace.to_string()), ..Self::new(time, kind, actor, Some(call.tenant.clone())) }
    }

    /// An entry about an act of this call.
    pub fn of_act(time: Timestamp, kind: Kind, call: &Call, act: &ActId) -> Self {
        let entry = Self { trace: Some(call.trace_of(act).to_string()), ..Self::of_call(time, kind, call) };
        entry.with("id", act.as_str())
    }

    /// The same, at this place in a trace.
    #[must_use]
    pub fn in_trace(mut self, place: Option<Traceparent>) -> Self {
        self.trace = place.map(|place| place.to_string());
        self
    }

    /// What it was about.
    #[must_use]
    pub fn about(mut self, resource: impl AsRef<str>) -> Self {
        self.resource = Some(plain(resource.as_ref()));
        self
    }

    /// One more detail. Texts are cut and escaped.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = match value.into() {
            Value::String(text) => Value::String(plain(&text)),
            other => other,
        };
        self.detail.insert(name.to_owned(), value);
        self
    }

    /// One more detail, which is a personal value: in the log stands its commitment, and what it is can be erased (DAT-4).
    #[must_use]
    pub fn with_personal(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.personal.insert(name.to_owned());
        self.with(name, value.as_ref())
    }

    /// A detail that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.detail.get(name)?.as_str()
    }

    /// The bytes that go into the log: JSON with sorted keys.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let bytes = crate::json::sorted(self).and_then(|value| serde_json::to_vec(&value));
        match bytes {
            Ok(bytes) if bytes.len() <= usize::from(u16::MAX) => Ok(bytes),
            Ok(bytes) => Err(RecordError(format!("an entry of {} bytes; the most is 65,535", bytes.len()))),
            Err(error) => Err(RecordError(error.to_string())),
        }
    }
}

/// Characters that end lines, turn the direction of text around or cannot be seen, without being control characters.
const TURNS: [char; 21] = [
    '\u{00ad}', '\u{180e}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{061c}', '\u{200e}', '\u{200f}',
    '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}',
    '\u{2068}', '\u{2069}', '\u{feff}',
];

/// A text that is fit for the log: no control characters, at most 512 characters.
pub fn plain(text: &str) -> String {
    // Nearly every text is one of these, and each act writes a dozen.
    if text.len() <= MAX_TEXT && text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return text.to_owned();
    }
    let escape = |c: char| -> Vec<char> {
        let harmless = !c.is_control() && !TURNS.contains(&c);
        if harmless { vec![c] } else { c.escape_unicode().collect() }
    };
    let mut plain: String = text.chars().take(MAX_TEXT).flat_map(escape).collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        plain.push('…');
    }
    plain
}

/// The log could not be written. Whatever wanted to be recorded must not happen.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the audit log cannot be written: {0}")]
pub struct RecordError(pub String);

/// Where entries go.
#[async_trait]
pub trait Recorder: Send + Sync {
    /// Appends entries, together, and returns when they are durable.
    async fn record(&self, entries: Vec<Entry>) -> Result<(), RecordError>;

    /// Appends an entry soon, and without waiting: before any entry of the same tenant, or of none, that is recorded after this
    /// call.
    fn note(&self, entry: Entry);
}
