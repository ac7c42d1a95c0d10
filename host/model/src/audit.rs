//! What is written to the audit log (MON-1), and the port it is written through.
//!
//! Invariants: an entry holds ids, names, numbers and decisions, never content and never a secret; every text in it is
//! cut and escaped; its encoding is under 64 KiB, the most a C2SP tlog-tiles entry can hold.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    call::Call,
    id::{CallId, Digest, InstallationId, PluginId, SourceName, TenantId},
    time::Timestamp,
};

/// The longest text that an entry keeps, in characters.
const MAX_TEXT: usize = 512;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// The host was set up, with this log.
    #[serde(rename = "host.created")]
    HostCreated,
    /// The host started.
    #[serde(rename = "host.started")]
    HostStarted,
    /// The host stopped in good order.
    #[serde(rename = "host.stopped")]
    HostStopped,
    /// An event was accepted.
    #[serde(rename = "event.received")]
    EventReceived,
    /// An event came a second time and was dropped.
    #[serde(rename = "event.duplicate")]
    EventDuplicate,
    /// Requests to the ingest endpoints were refused: how many, and why.
    #[serde(rename = "ingest.refused")]
    IngestRefused,
    /// A plugin's act was permitted. Older than the act itself.
    #[serde(rename = "act.permitted")]
    ActPermitted,
    /// A plugin's act was denied.
    #[serde(rename = "act.denied")]
    ActDenied,
    /// How a permitted act ended.
    #[serde(rename = "act.outcome")]
    ActOutcome,
    /// How a permitted act ended is not known: the host died in between.
    #[serde(rename = "act.unknown")]
    ActUnknown,
    /// A call into a plugin ended.
    #[serde(rename = "call.ended")]
    CallEnded,
    /// A delivery was given up and put aside.
    #[serde(rename = "delivery.dead")]
    DeliveryDead,
    /// A release was refused at publish, install or load.
    #[serde(rename = "release.refused")]
    ReleaseRefused,
    /// A reviewer said how much a release may do at most.
    #[serde(rename = "release.reviewed")]
    ReleaseReviewed,
    /// A release was handed in for review.
    #[serde(rename = "review.submitted")]
    ReviewSubmitted,
    /// Whoever handed a release in for review took it back.
    #[serde(rename = "review.withdrawn")]
    ReviewWithdrawn,
    /// A reviewer is to look at a release.
    #[serde(rename = "review.assigned")]
    ReviewAssigned,
    /// Somebody said something about a release under review.
    #[serde(rename = "review.commented")]
    ReviewCommented,
    /// A behaviour report was attached to a review.
    #[serde(rename = "review.attached")]
    ReviewAttached,
    /// A reviewer did without a behaviour report.
    #[serde(rename = "review.waived")]
    ReviewWaived,
    /// A tenant reported a plugin's misbehaviour.
    #[serde(rename = "plugin.reported")]
    PluginReported,
    /// Somebody looked into a report of misbehaviour.
    #[serde(rename = "report.resolved")]
    ReportResolved,
    /// What is known of vulnerabilities in a release has changed.
    #[serde(rename = "release.vulnerable")]
    ReleaseVulnerable,
    /// A root of trust was replaced by its next version.
    #[serde(rename = "trust.changed")]
    TrustChanged,
    /// What is trusted has changed, and every installation was held against it.
    #[serde(rename = "trust.enforced")]
    TrustEnforced,
    /// A release, a range of releases or what a key signed was withdrawn.
    #[serde(rename = "release.withdrawn")]
    ReleaseWithdrawn,
    /// A quarantine is over.
    #[serde(rename = "release.reinstated")]
    ReleaseReinstated,
    /// A release below the floor was let run.
    #[serde(rename = "release.overridden")]
    ReleaseOverridden,
    /// A plugin was installed.
    #[serde(rename = "plugin.installed")]
    PluginInstalled,
    /// A release was put into the registry, without being installed.
    #[serde(rename = "release.published")]
    ReleasePublished,
    /// An installation runs a newer release from now on.
    #[serde(rename = "plugin.upgraded")]
    PluginUpgraded,
    /// A newer release waits for an admin.
    #[serde(rename = "plugin.upgrade-waits")]
    PluginUpgradeWaits,
    /// An admin changed which newer releases an installation takes by itself.
    #[serde(rename = "plugin.upgrade-policy")]
    PluginUpgradePolicy,
    /// An installation runs the release again that it ran before.
    #[serde(rename = "plugin.rolled-back")]
    PluginRolledBack,
    /// An installation was uninstalled.
    #[serde(rename = "plugin.uninstalled")]
    PluginUninstalled,
    /// An uninstalled one was taken back before it was erased.
    #[serde(rename = "plugin.restored")]
    PluginRestored,
    /// What an installation stored was erased.
    #[serde(rename = "plugin.erased")]
    PluginErased,
    /// An installation's grant was changed.
    #[serde(rename = "plugin.granted")]
    PluginGranted,
    /// An installation was suspended.
    #[serde(rename = "plugin.suspended")]
    PluginSuspended,
    /// An installation was resumed.
    #[serde(rename = "plugin.resumed")]
    PluginResumed,
    /// A budget ran out: one capability of one installation was suspended.
    #[serde(rename = "capability.suspended")]
    CapabilitySuspended,
    /// An admin let a suspended capability go on before its time.
    #[serde(rename = "capability.resumed")]
    CapabilityResumed,
    /// A source of events was registered.
    #[serde(rename = "source.added")]
    SourceAdded,
    /// A credential was stored for an installation.
    #[serde(rename = "connection.added")]
    ConnectionAdded,
}

impl Kind {
    /// The name that stands in the log.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => name,
            _ => String::new(),
        }
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Actor {
    /// The host itself.
    Host,
    /// A person, by the name of the account on the machine where the command was given.
    Person {
        /// The account's name.
        name: String,
    },
    /// A source of events.
    Source {
        /// Its name.
        name: SourceName,
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
    /// What it was about, such as `ticket:1042`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resource: Option<String>,
    /// The rest, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub detail: BTreeMap<String, Value>,
}

impl Entry {
    /// An entry by this actor.
    pub fn new(time: Timestamp, kind: Kind, actor: Actor, tenant: Option<TenantId>) -> Self {
        Self { time, kind, actor, tenant, resource: None, detail: BTreeMap::new() }
    }

    /// An entry by the plugin of this call.
    pub fn of_call(time: Timestamp, kind: Kind, call: &Call) -> Self {
        let actor = Actor::Plugin {
            installation: call.installation.clone(),
            plugin: call.plugin.clone(),
            release: call.release,
            call: call.id.clone(),
        };
        Self::new(time, kind, actor, Some(call.tenant.clone()))
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

    /// A detail that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.detail.get(name)?.as_str()
    }

    /// The bytes that go into the log: JSON with sorted keys.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let bytes = serde_json::to_value(self).and_then(|value| serde_json::to_vec(&value));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_forge_lines_or_turn_around() {
        let entry =
            Entry::new(Timestamp(0), Kind::ActDenied, Actor::Host, None).with("reason", "a\n{\"kind\":\"x\"}\u{202e}");
        assert_eq!(entry.text("reason"), Some("a\\u{a}{\"kind\":\"x\"}\\u{202e}"));
        assert_eq!(plain(&"x".repeat(600)).chars().count(), 513);
    }

    #[test]
    fn encodes_with_sorted_keys() {
        let entry = Entry::new(Timestamp(0), Kind::HostStarted, Actor::Host, None).with("b", 2).with("a", 1);
        let text = String::from_utf8(entry.encode().unwrap()).unwrap();
        assert_eq!(
            text,
            r#"{"actor":{"type":"host"},"detail":{"a":1,"b":2},"kind":"host.started","time":"1970-01-01T00:00:00.000Z"}"#
        );
        assert_eq!(Kind::ActUnknown.name(), "act.unknown");
    }
}
