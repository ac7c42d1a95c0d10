//! What can happen, by the names that stand in the log.
//!
//! Invariant: a name is never given to anything else: old logs are read by it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// Personal values were erased from beside entries: how many, of which entries, and why.
    #[serde(rename = "audit.erased")]
    AuditErased,
    /// Entries of a view were disposed of at the end of their retention: which, and by which policy.
    #[serde(rename = "audit.disposed")]
    AuditDisposed,
    /// Entries of a view will be disposed of soon: export what is to be kept.
    #[serde(rename = "audit.disposal-announced")]
    AuditDisposalAnnounced,
    /// An event was accepted.
    #[serde(rename = "event.received")]
    EventReceived,
    /// An event came a second time and was dropped.
    #[serde(rename = "event.duplicate")]
    EventDuplicate,
    /// Requests to the ingest endpoints were refused: how many, and why.
    #[serde(rename = "ingest.refused")]
    IngestRefused,
    /// Requests to other endpoints that did not prove whose they are were refused: how many, and why.
    #[serde(rename = "request.refused")]
    RequestRefused,
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
    /// A plugin was made ready to be called: its release was checked, compiled and linked to what it is granted.
    #[serde(rename = "plugin.loaded")]
    PluginLoaded,
    /// The file of known vulnerabilities was made anew.
    #[serde(rename = "advisories.updated")]
    AdvisoriesUpdated,
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
    /// The log's checkpoints are signed with another key from now on, and with the old one for a time.
    #[serde(rename = "log.key-rotated")]
    LogKeyRotated,
    /// A key that the log's checkpoints were signed with is destroyed.
    #[serde(rename = "log.key-destroyed")]
    LogKeyDestroyed,
    /// A witness is asked to cosign the log's checkpoints.
    #[serde(rename = "log.witness-added")]
    LogWitnessAdded,
    /// A witness is not asked any more.
    #[serde(rename = "log.witness-removed")]
    LogWitnessRemoved,
    /// Entries of the log were exported: by which filter, from where to where.
    #[serde(rename = "audit.exported")]
    AuditExported,
    /// Somebody began to read the log over the API: by which filter.
    #[serde(rename = "audit.read")]
    AuditRead,
    /// Entries were put into a bundle with their proofs, for somebody without access to this host: by which filter, how many, and
    /// the digest of its manifest.
    #[serde(rename = "audit.bundled")]
    AuditBundled,
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
