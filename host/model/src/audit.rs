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
    id::{CallId, ClientId, Digest, InstallationId, PluginId, SourceName, TenantId},
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
    /// Somebody began to act in an installation's name without a call into its component: who, and what for.
    #[serde(rename = "visit.began")]
    VisitBegan,
    /// Such a visit ended.
    #[serde(rename = "visit.ended")]
    VisitEnded,
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
    /// A provider is about to be asked for a new credential. Older than the request itself.
    #[serde(rename = "connection.renewing")]
    ConnectionRenewing,
    /// A provider issued a new credential, and it is in use.
    #[serde(rename = "connection.renewed")]
    ConnectionRenewed,
    /// A provider gave no new credential, or nobody knows whether it did; it is asked again later.
    #[serde(rename = "connection.renewal-failed")]
    ConnectionRenewalFailed,
    /// Only a person's consent gets a connection its next credential.
    #[serde(rename = "connection.consent-needed")]
    ConnectionConsentNeeded,
    /// A tenant got a data key for its secrets, or a new one.
    #[serde(rename = "vault.data-key-made")]
    VaultDataKeyMade,
    /// A data key seals nothing any more and is gone.
    #[serde(rename = "vault.data-key-dropped")]
    VaultDataKeyDropped,
    /// Another key-encryption key wraps the data keys from now on.
    #[serde(rename = "vault.key-rotated")]
    VaultKeyRotated,
    /// A key-encryption key wraps nothing any more.
    #[serde(rename = "vault.key-dropped")]
    VaultKeyDropped,
    /// A person gave up what does not open, because its key is lost.
    #[serde(rename = "vault.given-up")]
    VaultGivenUp,
    /// An installation got a back end outside of the sandbox, or it was changed.
    #[serde(rename = "backend.set")]
    BackendSet,
    /// An installation's back end was taken away.
    #[serde(rename = "backend.removed")]
    BackendRemoved,
    /// A key that a back end's messages are to be signed with was made, and does not sign yet.
    #[serde(rename = "backend.prepared")]
    BackendPrepared,
    /// Every key that a back end's messages were signed with has ended; they wait for another.
    #[serde(rename = "backend.revoked")]
    BackendRevoked,
    /// The key that a back end's messages are signed with was made or replaced.
    #[serde(rename = "backend.rotated")]
    BackendRotated,
    /// A back end gets no more messages: it wants none, or accepted none for days.
    #[serde(rename = "backend.disabled")]
    BackendDisabled,
    /// A message was put into the queue to try a back end out.
    #[serde(rename = "backend.tested")]
    BackendTested,
    /// Messages to a back end that had been put aside are sent again.
    #[serde(rename = "backend.replayed")]
    BackendReplayed,
    /// How an attempt to hand a message to a back end ended.
    #[serde(rename = "backend.delivery")]
    BackendDelivery,
    /// A connection was ended by hand.
    #[serde(rename = "connection.ended")]
    ConnectionEnded,
    /// A link was made, by which a person can consent to a connection.
    #[serde(rename = "consent.asked")]
    ConsentAsked,
    /// Somebody went from that link to the provider.
    #[serde(rename = "consent.begun")]
    ConsentBegun,
    /// The provider gave a credential for the consent.
    #[serde(rename = "consent.given")]
    ConsentGiven,
    /// A consent ended without a credential: denied, failed, too late, or asked for anew.
    #[serde(rename = "consent.ended")]
    ConsentEnded,
    /// Nothing leaves in the name of something, until that is lifted.
    #[serde(rename = "freeze.added")]
    FreezeAdded,
    /// A freeze was lifted.
    #[serde(rename = "freeze.lifted")]
    FreezeLifted,
    /// The running host holds to a freeze, and requests that were under way have ended.
    #[serde(rename = "freeze.enforced")]
    FreezeEnforced,
    /// Credentials are about to be rotated in one act.
    #[serde(rename = "rotation.started")]
    RotationStarted,
    /// An act of rotation came to its end: what became of how many credentials, and the digest of its report.
    #[serde(rename = "rotation.ended")]
    RotationEnded,
    /// The report of an act of rotation was signed: its digest, and the key.
    #[serde(rename = "rotation.reported")]
    RotationReported,
    /// What became of one credential in a rotation.
    #[serde(rename = "credential.rotated")]
    CredentialRotated,
    /// A credential is as old as policy lets it be, and only a person can replace it.
    #[serde(rename = "rotation.needed")]
    RotationNeeded,
    /// How often credentials are rotated, and when, was changed.
    #[serde(rename = "rotation.policy")]
    RotationPolicy,
    /// The secret of a source of events was replaced.
    #[serde(rename = "source.rotated")]
    SourceRotated,
    /// The secret of a source of events is not accepted any more, and it has no other.
    #[serde(rename = "source.revoked")]
    SourceRevoked,
    /// An OAuth client was registered for an installation.
    #[serde(rename = "client.registered")]
    ClientRegistered,
    /// An OAuth client's keys were changed.
    #[serde(rename = "client.rotated")]
    ClientRotated,
    /// An OAuth client was revoked, and all of its tokens with it.
    #[serde(rename = "client.revoked")]
    ClientRevoked,
    /// A client asks an admin to let it act.
    #[serde(rename = "authorization.asked")]
    AuthorizationAsked,
    /// An admin decided about that.
    #[serde(rename = "authorization.decided")]
    AuthorizationDecided,
    /// An authorization code was issued.
    #[serde(rename = "code.issued")]
    CodeIssued,
    /// An authorization code was used a second time, or by somebody else: all that it gave has ended.
    #[serde(rename = "code.misused")]
    CodeMisused,
    /// An access token was issued.
    #[serde(rename = "token.issued")]
    TokenIssued,
    /// A client that proved itself was refused a token.
    #[serde(rename = "token.refused")]
    TokenRefused,
    /// A token, or all tokens of a grant, were revoked.
    #[serde(rename = "token.revoked")]
    TokenRevoked,
    /// A refresh token was used again: its whole family has ended.
    #[serde(rename = "refresh.reused")]
    RefreshReused,
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
