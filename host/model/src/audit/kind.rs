//! What can happen, by the names that stand in the log.
//!
//! Invariant: a name is never given to anything else: old logs are read by it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }
    };
}

kinds! {
    /// The host was set up, with this log.
    HostCreated = "host.created",
    /// The host started.
    HostStarted = "host.started",
    /// The host stopped in good order.
    HostStopped = "host.stopped",
    /// Personal values were erased from beside entries: how many, of which entries, and why.
    AuditErased = "audit.erased",
    /// Entries of a view were disposed of at the end of their retention: which, and by which policy.
    AuditDisposed = "audit.disposed",
    /// Entries of a view will be disposed of soon: export what is to be kept.
    AuditDisposalAnnounced = "audit.disposal-announced",
    /// An event was accepted.
    EventReceived = "event.received",
    /// An event came a second time and was dropped.
    EventDuplicate = "event.duplicate",
    /// Requests to the ingest endpoints were refused: how many, and why.
    IngestRefused = "ingest.refused",
    /// Requests to other endpoints that did not prove whose they are were refused: how many, and why.
    RequestRefused = "request.refused",
    /// A plugin's act was permitted. Older than the act itself.
    ActPermitted = "act.permitted",
    /// A plugin's act was denied.
    ActDenied = "act.denied",
    /// How a permitted act ended.
    ActOutcome = "act.outcome",
    /// How a permitted act ended is not known: the host died in between.
    ActUnknown = "act.unknown",
    /// A call into a plugin ended.
    CallEnded = "call.ended",
    /// Somebody began to act in an installation's name without a call into its component: who, and what for.
    VisitBegan = "visit.began",
    /// Such a visit ended.
    VisitEnded = "visit.ended",
    /// A delivery was given up and put aside.
    DeliveryDead = "delivery.dead",
    /// Somebody has a delivery that was put aside tried again.
    DeliveryRetried = "delivery.retried",
    /// A release was refused at publish, install or load.
    ReleaseRefused = "release.refused",
    /// A reviewer said how much a release may do at most.
    ReleaseReviewed = "release.reviewed",
    /// A release was handed in for review.
    ReviewSubmitted = "review.submitted",
    /// Whoever handed a release in for review took it back.
    ReviewWithdrawn = "review.withdrawn",
    /// A reviewer is to look at a release.
    ReviewAssigned = "review.assigned",
    /// Somebody said something about a release under review.
    ReviewCommented = "review.commented",
    /// A behaviour report was attached to a review.
    ReviewAttached = "review.attached",
    /// A reviewer did without a behaviour report.
    ReviewWaived = "review.waived",
    /// A tenant reported a plugin's misbehaviour.
    PluginReported = "plugin.reported",
    /// Somebody looked into a report of misbehaviour.
    ReportResolved = "report.resolved",
    /// What is known of vulnerabilities in a release has changed.
    ReleaseVulnerable = "release.vulnerable",
    /// A root of trust was replaced by its next version.
    TrustChanged = "trust.changed",
    /// What is trusted has changed, and every installation was held against it.
    TrustEnforced = "trust.enforced",
    /// A release, a range of releases or what a key signed was withdrawn.
    ReleaseWithdrawn = "release.withdrawn",
    /// A quarantine is over.
    ReleaseReinstated = "release.reinstated",
    /// A release below the floor was let run.
    ReleaseOverridden = "release.overridden",
    /// A plugin was installed.
    PluginInstalled = "plugin.installed",
    /// A plugin was made ready to be called: its release was checked, compiled and linked to what it is granted.
    PluginLoaded = "plugin.loaded",
    /// The file of known vulnerabilities was made anew.
    AdvisoriesUpdated = "advisories.updated",
    /// A release was put into the registry, which by itself installs it nowhere.
    ReleasePublished = "release.published",
    /// An installation runs a newer release from now on.
    PluginUpgraded = "plugin.upgraded",
    /// A newer release waits for an admin.
    PluginUpgradeWaits = "plugin.upgrade-waits",
    /// An admin changed which newer releases an installation takes by itself.
    PluginUpgradePolicy = "plugin.upgrade-policy",
    /// An installation runs the release again that it ran before.
    PluginRolledBack = "plugin.rolled-back",
    /// An installation was uninstalled.
    PluginUninstalled = "plugin.uninstalled",
    /// An uninstalled one was taken back before it was erased.
    PluginRestored = "plugin.restored",
    /// What an installation stored was erased.
    PluginErased = "plugin.erased",
    /// An installation's grant was changed.
    PluginGranted = "plugin.granted",
    /// An installation was suspended.
    PluginSuspended = "plugin.suspended",
    /// An installation was resumed.
    PluginResumed = "plugin.resumed",
    /// A budget ran out: one capability of one installation was suspended.
    CapabilitySuspended = "capability.suspended",
    /// An admin let a suspended capability go on before its time.
    CapabilityResumed = "capability.resumed",
    /// A source of events was registered.
    SourceAdded = "source.added",
    /// A credential was stored for an installation.
    ConnectionAdded = "connection.added",
    /// A credential was not stored: its provider was asked, and issued nothing for it.
    ConnectionRefused = "connection.refused",
    /// A provider is about to be asked for a new credential. Older than the request itself.
    ConnectionRenewing = "connection.renewing",
    /// A provider issued a new credential, and it is in use.
    ConnectionRenewed = "connection.renewed",
    /// A provider gave no new credential, or nobody knows whether it did; it is asked again later.
    ConnectionRenewalFailed = "connection.renewal-failed",
    /// Only a person's consent gets a connection its next credential.
    ConnectionConsentNeeded = "connection.consent-needed",
    /// A tenant got a data key for its secrets, or a new one.
    VaultDataKeyMade = "vault.data-key-made",
    /// A data key seals nothing any more and is gone.
    VaultDataKeyDropped = "vault.data-key-dropped",
    /// Another key-encryption key wraps the data keys from now on.
    VaultKeyRotated = "vault.key-rotated",
    /// A key-encryption key wraps nothing any more.
    VaultKeyDropped = "vault.key-dropped",
    /// A person gave up what does not open, because its key is lost.
    VaultGivenUp = "vault.given-up",
    /// An installation got a back end outside of the sandbox, or it was changed.
    BackendSet = "backend.set",
    /// An installation's back end was taken away.
    BackendRemoved = "backend.removed",
    /// A key that a back end's messages are to be signed with was made, and does not sign yet.
    BackendPrepared = "backend.prepared",
    /// Every key that a back end's messages were signed with has ended; they wait for another.
    BackendRevoked = "backend.revoked",
    /// The key that a back end's messages are signed with was made or replaced.
    BackendRotated = "backend.rotated",
    /// A back end gets no more messages: it wants none, or accepted none for days.
    BackendDisabled = "backend.disabled",
    /// A message was put into the queue to try a back end out.
    BackendTested = "backend.tested",
    /// Messages to a back end that had been put aside are sent again.
    BackendReplayed = "backend.replayed",
    /// How an attempt to hand a message to a back end ended.
    BackendDelivery = "backend.delivery",
    /// A connection was ended by hand.
    ConnectionEnded = "connection.ended",
    /// A link was made, by which a person can consent to a connection.
    ConsentAsked = "consent.asked",
    /// Somebody went from that link to the provider.
    ConsentBegun = "consent.begun",
    /// The provider gave a credential for the consent.
    ConsentGiven = "consent.given",
    /// A consent ended without a credential: denied, failed, too late, or asked for anew.
    ConsentEnded = "consent.ended",
    /// Nothing leaves in the name of something, until that is lifted.
    FreezeAdded = "freeze.added",
    /// A freeze was lifted.
    FreezeLifted = "freeze.lifted",
    /// The running host holds to a freeze, and requests that were under way have ended.
    FreezeEnforced = "freeze.enforced",
    /// Credentials are about to be rotated in one act.
    RotationStarted = "rotation.started",
    /// An act of rotation came to its end: what became of how many credentials, and the digest of its report.
    RotationEnded = "rotation.ended",
    /// The report of an act of rotation was signed: its digest, and the key.
    RotationReported = "rotation.reported",
    /// What became of one credential in a rotation.
    CredentialRotated = "credential.rotated",
    /// A credential is as old as policy lets it be, and only a person can replace it.
    RotationNeeded = "rotation.needed",
    /// How often credentials are rotated, and when, was changed.
    RotationPolicy = "rotation.policy",
    /// The secret of a source of events was replaced.
    SourceRotated = "source.rotated",
    /// The secret of a source of events is not accepted any more, and it has no other.
    SourceRevoked = "source.revoked",
    /// A source of events was taken away, with its secrets.
    SourceRemoved = "source.removed",
    /// An OAuth client was registered for an installation.
    ClientRegistered = "client.registered",
    /// An OAuth client's keys were changed.
    ClientRotated = "client.rotated",
    /// An OAuth client was revoked, and all of its tokens with it.
    ClientRevoked = "client.revoked",
    /// A client asks an admin to let it act.
    AuthorizationAsked = "authorization.asked",
    /// An admin decided about that.
    AuthorizationDecided = "authorization.decided",
    /// An authorization code was issued.
    CodeIssued = "code.issued",
    /// An authorization code was used a second time, or by somebody else: all that it gave has ended.
    CodeMisused = "code.misused",
    /// An access token was issued.
    TokenIssued = "token.issued",
    /// A client that proved itself was refused a token.
    TokenRefused = "token.refused",
    /// A token, or all tokens of a grant, were revoked.
    TokenRevoked = "token.revoked",
    /// A refresh token was used again: its whole family has ended.
    RefreshReused = "refresh.reused",
    /// The log's checkpoints are signed with another key from now on, and with the old one for a time.
    LogKeyRotated = "log.key-rotated",
    /// A key that the log's checkpoints were signed with is destroyed.
    LogKeyDestroyed = "log.key-destroyed",
    /// A witness is asked to cosign the log's checkpoints.
    LogWitnessAdded = "log.witness-added",
    /// A witness is not asked any more.
    LogWitnessRemoved = "log.witness-removed",
    /// Entries of the log were exported: by which filter, from where to where.
    AuditExported = "audit.exported",
    /// Somebody began to read the log over the API: by which filter.
    AuditRead = "audit.read",
    /// Entries were put into a bundle with their proofs, for somebody without access to this host: by which filter, how many, and
    /// the digest of its manifest.
    AuditBundled = "audit.bundled",
    /// The rules that the log is held against are others from here on: which, by their digests.
    AlertRulesChanged = "alert.rules-changed",
    /// A rule found something that a person should look at: which rule, and of which entries.
    AlertRaised = "alert.raised",
    /// Somebody looks at an alert.
    AlertAcknowledged = "alert.acknowledged",
    /// Somebody was done with an alert.
    AlertClosed = "alert.closed",
    /// Somebody keeps a rule quiet about an installation or a tenant, until when and why.
    AlertMuted = "alert.muted",
    /// Somebody ended that before its time.
    AlertUnmuted = "alert.unmuted",
    /// Alerts are told to this endpoint from now on, or were: it was set, given another key, tried out or taken away.
    AlertEndpoint = "alert.endpoint",
    /// An endpoint is told no more alerts: it wants none, or accepted none for days.
    AlertEndpointDisabled = "alert.endpoint-disabled",
    /// How an attempt to tell an endpoint of an alert ended.
    AlertDelivery = "alert.delivery",
    /// Somebody was invited to have an account: a link was made, or taken back.
    PersonInvited = "person.invited",
    /// Somebody got an account.
    PersonJoined = "person.joined",
    /// An account was suspended or let back in.
    PersonChanged = "person.changed",
    /// An account was removed.
    PersonRemoved = "person.removed",
    /// A tenant's automation was registered.
    AutomationAdded = "automation.added",
    /// A tenant's automation was given another key.
    AutomationChanged = "automation.changed",
    /// A tenant's automation was taken away.
    AutomationRemoved = "automation.removed",
    /// What is left of sessions and links that ended long ago was forgotten.
    PeopleSwept = "people.swept",
    /// A person was given a role.
    MembershipGranted = "membership.granted",
    /// A role was taken from a person.
    MembershipEnded = "membership.ended",
    /// A person signed in, from which sort of device, and whether that one was new.
    SessionStarted = "session.started",
    /// A person proved a second factor within a session.
    SessionSteppedUp = "session.stepped-up",
    /// A person who had signed in from a new device says that it was them.
    SessionAcknowledged = "session.acknowledged",
    /// A session ended: by whom, and why.
    SessionEnded = "session.ended",
    /// Somebody who is known did not get in, and why.
    SessionRefused = "session.refused",
    /// A person got a passkey, a device for one-time codes, or recovery codes.
    FactorAdded = "factor.added",
    /// One of these was taken away.
    FactorRemoved = "factor.removed",
    /// A tenant let the platform's support in.
    SupportGranted = "support.granted",
    /// A tenant ended that before its time.
    SupportEnded = "support.ended",
    /// A role of a tenant's own was made, changed or removed.
    RoleChanged = "role.changed",
    /// It was changed how people sign in, from where, or for how long.
    AccessChanged = "access.changed",
    /// A backup of the host was made: to where, how large, its digest, the head of the log in it, and how long it took.
    BackupMade = "backup.made",
    /// A backup could not be made.
    BackupFailed = "backup.failed",
    /// A backup was restored as a test: whether all of it holds, and how long it took (INC-5).
    BackupTested = "backup.tested",
    /// The host was restored from a backup: from which, and what it was checked against.
    HostRestored = "host.restored",
    /// How the log goes on after a restore: what is known of its head elsewhere, or under which new name.
    LogRestored = "log.restored",
    /// An incident or maintenance was announced on the status page, or said to be over.
    StatusAnnounced = "status.announced",
    /// Entries are sent to a receiver outside from now on, as they are written: where to, from which entry on, and whether with
    /// personal values.
    OutletStarted = "outlet.started",
    /// Entries are not sent to a receiver any more: up to which they were.
    OutletStopped = "outlet.stopped",
    /// A receiver of entries does not take them: since when, and why. They are kept and sent again.
    OutletFailing = "outlet.failing",
    /// A receiver takes entries again.
    OutletRecovered = "outlet.recovered",
    /// Entries were disposed of, or could not be read, before an outlet had sent them: how many, and between which.
    OutletMissed = "outlet.missed",
    /// A tenant turned a profile on or off: which, and what that narrows.
    ProfileChanged = "profile.changed",
    /// Somebody said, by name and for a time, that a duty is met.
    DutyAttested = "duty.attested",
    /// The time of what somebody said about a duty is over.
    AttestationLapsed = "attestation.lapsed",
    /// Somebody took back what was said about a duty.
    AttestationWithdrawn = "attestation.withdrawn",
    /// Somebody proposed to accept a risk. Nothing changes until somebody else approves it.
    RiskProposed = "risk.proposed",
    /// A risk was accepted: what it lets pass, and until when.
    RiskApproved = "risk.approved",
    /// A proposed or accepted risk was taken back.
    RiskWithdrawn = "risk.withdrawn",
    /// The time of an accepted risk is over, and its effect with it.
    RiskLapsed = "risk.lapsed",
    /// A line of a tenant's posture stands otherwise than before: it holds, is open, or is accepted as a risk.
    PostureChanged = "posture.changed",
    /// Somebody opened an incident: about what, from what, and who must be told by when.
    IncidentOpened = "incident.opened",
    /// Somebody wrote down what was found or done about an incident.
    IncidentNoted = "incident.noted",
    /// The subject of an incident was contained: how many installations were suspended, and what is frozen.
    IncidentContained = "incident.contained",
    /// Nothing of a contained subject runs any more: how many calls were ended for it, and how long that took.
    IncidentEnforced = "incident.enforced",
    /// What a containment held may go on.
    IncidentLifted = "incident.lifted",
    /// Somebody said that one who must know of an incident was told.
    IncidentTold = "incident.told",
    /// An incident was closed: what its cause was, and what prevents another.
    IncidentClosed = "incident.closed",
    /// A data subject's request was put on record: which kind, by when it must be answered, and of how many installations.
    PrivacyRequested = "privacy.requested",
    /// What the host itself kept about the person was erased: how much of each sort, in each installation.
    PrivacyErased = "privacy.erased",
    /// A plugin answered a data subject's request: that it holds nothing, or that it was done, to how many records.
    PrivacyAnswered = "privacy.answered",
    /// A plugin did not answer a data subject's request by the deadline, and is not asked any more.
    PrivacyFailed = "privacy.failed",
    /// The deadline of a data subject's request is over, and not all of it is answered.
    PrivacyOverdue = "privacy.overdue",
    /// What is held about a data subject was written out for them.
    PrivacyExported = "privacy.exported",
    /// A data subject's request was closed: what is proven, and what is not.
    PrivacyClosed = "privacy.closed",
    /// Who a closed request was about, and what was answered, is not kept any more.
    PrivacyForgotten = "privacy.forgotten",
    /// A certificate was signed: its digest, and the key.
    PrivacyCertified = "privacy.certified",
    /// All that is a tenant's own was written out for it: how many files, and the digest of the list of them.
    TenantExported = "tenant.exported",
    /// The deletion of a tenant was put on record: what there is of it. From then on nothing of it runs or is taken any more.
    TenantLeaving = "tenant.leaving",
    /// All that was a tenant's own is deleted: nothing of it was found any more.
    TenantDeleted = "tenant.deleted",
    /// A certificate of a tenant's deletion was signed: its digest, and the key.
    TenantCertified = "tenant.certified",
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
