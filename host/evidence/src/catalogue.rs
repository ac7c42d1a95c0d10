//! Which OCSF class, activity, severity and status an entry has, by its kind.
//!
//! Source: OCSF 1.8.0, `events/` and `dictionary.json`. The duties that a kind bears witness to are those of
//! [`portcullis_model::audit::query::duties`].
//!
//! Invariant: every kind has a line; a new one does not compile without.

use portcullis_model::audit::{Entry, Kind};

/// The version of OCSF that events are of.
pub const OCSF: &str = "1.8.0";

/// An OCSF event class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// 2004: something that should be looked at.
    DetectionFinding,
    /// 3002: tokens and codes, and who was refused them.
    Authentication,
    /// 3003: privileges that somebody was given.
    AuthorizeSession,
    /// 3004: something that is administered was made, changed or removed.
    EntityManagement,
    /// 6002: the host, a plugin or a release was installed, started, stopped, changed.
    ApplicationLifecycle,
    /// 6003: something was called, sent or read.
    ApiActivity,
}

impl Class {
    /// Its `class_uid`.
    pub fn uid(self) -> u32 {
        match self {
            Self::DetectionFinding => 2004,
            Self::Authentication => 3002,
            Self::AuthorizeSession => 3003,
            Self::EntityManagement => 3004,
            Self::ApplicationLifecycle => 6002,
            Self::ApiActivity => 6003,
        }
    }

    /// Its `category_uid`.
    pub fn category(self) -> u32 {
        self.uid() / 1_000
    }

    /// Its name in the schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::DetectionFinding => "detection_finding",
            Self::Authentication => "authentication",
            Self::AuthorizeSession => "authorize_session",
            Self::EntityManagement => "entity_management",
            Self::ApplicationLifecycle => "application_lifecycle",
            Self::ApiActivity => "api_activity",
        }
    }

    /// Its caption.
    pub fn caption(self) -> &'static str {
        match self {
            Self::DetectionFinding => "Detection Finding",
            Self::Authentication => "Authentication",
            Self::AuthorizeSession => "Authorize Session",
            Self::EntityManagement => "Entity Management",
            Self::ApplicationLifecycle => "Application Lifecycle",
            Self::ApiActivity => "API Activity",
        }
    }
}

/// OCSF's `severity_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Severity {
    /// Nothing needs to be done.
    Informational = 1,
    /// Somebody may want to know.
    Low = 2,
    /// Somebody should look at it.
    Medium = 3,
    /// Somebody should look at it now.
    High = 4,
}

/// OCSF's `status_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// It is not known.
    Unknown = 0,
    /// It was done.
    Success = 1,
    /// It was refused, or failed.
    Failure = 2,
}

/// Where an entry's status comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// From the kind.
    Always(Status),
    /// From what the entry says of its `outcome`, `end` or `decision`: these are what it says where all went well.
    Told(&'static [&'static str]),
}

impl Rule {
    /// The status of this entry.
    pub fn of(self, entry: &Entry) -> Status {
        match self {
            Self::Always(status) => status,
            Self::Told(well) => match ["outcome", "end", "decision"].into_iter().find_map(|name| entry.text(name)) {
                Some(word) if well.contains(&word) => Status::Success,
                Some("unknown") | None => Status::Unknown,
                Some(_) => Status::Failure,
            },
        }
    }
}

/// What a kind is in OCSF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its class.
    pub class: Class,
    /// Its `activity_id` in that class.
    pub activity: u8,
    /// Its severity.
    pub severity: Severity,
    /// Where its status comes from.
    pub status: Rule,
}

/// The activity of any class that is none of those the class names.
pub const OTHER: u8 = 99;

impl Line {
    const fn new(class: Class, activity: u8) -> Self {
        Self { class, activity, severity: Severity::Informational, status: Rule::Always(Status::Success) }
    }

    const fn at(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    const fn failed(mut self) -> Self {
        self.status = Rule::Always(Status::Failure);
        self
    }

    const fn unknown(mut self) -> Self {
        self.status = Rule::Always(Status::Unknown);
        self
    }

    const fn told(mut self, well: &'static [&'static str]) -> Self {
        self.status = Rule::Told(well);
        self
    }
}

const fn api(activity: u8) -> Line {
    Line::new(Class::ApiActivity, activity)
}
const fn app(activity: u8) -> Line {
    Line::new(Class::ApplicationLifecycle, activity)
}
const fn entity(activity: u8) -> Line {
    Line::new(Class::EntityManagement, activity)
}
const fn privileges() -> Line {
    Line::new(Class::AuthorizeSession, 1)
}
const fn ticket() -> Line {
    Line::new(Class::Authentication, 3)
}
const fn finding(activity: u8) -> Line {
    Line::new(Class::DetectionFinding, activity)
}

/// Activities of API Activity.
mod calls {
    pub const CREATE: u8 = 1;
    pub const READ: u8 = 2;
    pub const DELETE: u8 = 4;
}
/// Activities of Application Lifecycle.
mod life {
    pub const INSTALL: u8 = 1;
    pub const REMOVE: u8 = 2;
    pub const START: u8 = 3;
    pub const STOP: u8 = 4;
    pub const ENABLE: u8 = 6;
    pub const DISABLE: u8 = 7;
    pub const UPDATE: u8 = 8;
}
/// Activities of Entity Management.
mod manage {
    pub const CREATE: u8 = 1;
    pub const UPDATE: u8 = 3;
    pub const DELETE: u8 = 4;
    pub const ENABLE: u8 = 8;
    pub const DISABLE: u8 = 9;
    pub const ACTIVATE: u8 = 10;
    pub const DEACTIVATE: u8 = 11;
    pub const SUSPEND: u8 = 12;
    pub const RESUME: u8 = 13;
}

/// What a kind is in OCSF.
pub fn line(kind: Kind) -> Line {
    use Severity::{High, Low, Medium};
    match kind {
        Kind::HostCreated | Kind::PluginInstalled => app(life::INSTALL),
        Kind::HostStarted | Kind::PluginLoaded => app(life::START),
        Kind::HostStopped => app(life::STOP),
        Kind::PluginUpgraded | Kind::PluginRolledBack => app(life::UPDATE),
        Kind::PluginUninstalled => app(life::REMOVE),
        Kind::PluginErased => app(life::REMOVE),
        Kind::PluginRestored | Kind::PluginResumed | Kind::CapabilityResumed | Kind::ReleaseReinstated => {
            app(life::ENABLE)
        }
        Kind::ReleaseOverridden => app(life::ENABLE).at(Medium),
        Kind::PluginSuspended | Kind::CapabilitySuspended => app(life::DISABLE).at(Medium),
        Kind::ReleaseWithdrawn => app(life::DISABLE).at(High),
        Kind::ReleasePublished | Kind::PluginUpgradeWaits | Kind::PluginUpgradePolicy => app(OTHER),
        Kind::ReleaseRefused => app(OTHER).at(Medium).failed(),

        Kind::EventReceived => api(calls::CREATE),
        Kind::EventDuplicate => api(calls::CREATE).at(Low).failed(),
        Kind::IngestRefused | Kind::RequestRefused => api(OTHER).at(Low).failed(),
        Kind::ActPermitted => api(OTHER).unknown(),
        Kind::ActDenied => api(OTHER).at(Medium).failed(),
        Kind::ActOutcome | Kind::CallEnded | Kind::VisitEnded => api(OTHER).told(&["ok"]),
        Kind::BackendDelivery | Kind::AlertDelivery => api(OTHER).told(&["accepted"]),
        Kind::AlertRaised => finding(1).at(High),
        Kind::AlertAcknowledged | Kind::AlertMuted | Kind::AlertUnmuted => finding(2),
        Kind::AlertClosed => finding(3),
        Kind::AlertRulesChanged | Kind::AlertEndpoint => entity(manage::UPDATE),
        Kind::AlertEndpointDisabled => entity(manage::DISABLE).at(Medium),
        Kind::ActUnknown => api(OTHER).at(Medium).unknown(),
        Kind::VisitBegan => api(OTHER).unknown(),
        Kind::DeliveryDead => api(OTHER).at(Medium).failed(),
        Kind::BackendTested | Kind::BackendReplayed | Kind::DeliveryRetried => api(OTHER),
        Kind::AuditExported | Kind::AuditRead | Kind::AuditBundled => api(calls::READ),
        Kind::AuditErased | Kind::AuditDisposed | Kind::PeopleSwept => api(calls::DELETE).at(Low),
        Kind::AuditDisposalAnnounced => api(OTHER).at(Low),

        Kind::PluginGranted => privileges(),
        Kind::ConsentGiven => privileges(),
        Kind::AuthorizationDecided => privileges().told(&["approved"]),
        Kind::CodeIssued | Kind::TokenIssued => ticket(),
        Kind::TokenRefused => ticket().at(Medium).failed(),
        Kind::TokenRevoked => Line::new(Class::Authentication, 2),

        Kind::CodeMisused | Kind::RefreshReused => finding(1).at(High),
        Kind::PluginReported => finding(1).at(Medium),
        Kind::ReleaseVulnerable => finding(1).at(Medium),
        Kind::ReportResolved => finding(3),

        Kind::ReviewSubmitted | Kind::ReviewAttached | Kind::ReviewCommented => entity(manage::CREATE),
        Kind::ReleaseReviewed | Kind::ReviewAssigned => entity(manage::UPDATE),
        Kind::ReviewWaived => entity(manage::UPDATE).at(Low),
        Kind::ReviewWithdrawn => entity(manage::DELETE),
        Kind::TrustChanged => entity(manage::UPDATE).at(Medium),
        Kind::AdvisoriesUpdated => entity(manage::UPDATE),
        Kind::TrustEnforced => entity(manage::ACTIVATE),
        Kind::SourceAdded | Kind::ConnectionAdded | Kind::ClientRegistered | Kind::VaultDataKeyMade => {
            entity(manage::CREATE)
        }
        Kind::BackendPrepared | Kind::ConsentAsked | Kind::AuthorizationAsked => entity(manage::CREATE),
        Kind::ConsentBegun | Kind::ConnectionRenewing => entity(OTHER).unknown(),
        Kind::ConsentEnded => entity(OTHER).at(Low).failed(),
        Kind::ConnectionRenewed | Kind::BackendSet | Kind::BackendRotated => entity(manage::UPDATE),
        Kind::SourceRotated | Kind::ClientRotated | Kind::RotationPolicy => entity(manage::UPDATE),
        Kind::ConnectionRefused => entity(manage::CREATE).at(Medium).failed(),
        Kind::ConnectionRenewalFailed => entity(manage::UPDATE).at(Medium).failed(),
        Kind::ConnectionConsentNeeded | Kind::RotationNeeded => entity(OTHER).at(Medium),
        Kind::VaultKeyRotated | Kind::LogKeyRotated => entity(manage::UPDATE).at(Low),
        Kind::VaultDataKeyDropped | Kind::VaultKeyDropped | Kind::LogKeyDestroyed => entity(manage::DELETE).at(Low),
        Kind::VaultGivenUp => entity(manage::DELETE).at(High),
        Kind::BackendRemoved | Kind::ConnectionEnded | Kind::SourceRemoved => entity(manage::DELETE),
        Kind::BackendRevoked | Kind::BackendDisabled => entity(manage::DISABLE).at(Medium),
        Kind::SourceRevoked | Kind::ClientRevoked => entity(manage::DEACTIVATE).at(Low),
        Kind::FreezeAdded => entity(manage::SUSPEND).at(High),
        Kind::FreezeLifted => entity(manage::RESUME).at(Medium),
        Kind::FreezeEnforced => entity(manage::ACTIVATE),
        Kind::RotationStarted | Kind::RotationReported => entity(OTHER),
        Kind::RotationEnded => entity(OTHER),
        Kind::CredentialRotated => entity(manage::UPDATE).told(&["renewed", "ended"]),
        Kind::LogWitnessAdded => entity(manage::ENABLE),
        Kind::PersonInvited | Kind::PersonJoined | Kind::FactorAdded | Kind::AutomationAdded => entity(manage::CREATE),
        Kind::PersonChanged | Kind::RoleChanged | Kind::AutomationChanged => entity(manage::UPDATE).at(Low),
        Kind::AccessChanged => entity(manage::UPDATE).at(Medium),
        Kind::PersonRemoved | Kind::FactorRemoved | Kind::MembershipEnded | Kind::AutomationRemoved => {
            entity(manage::DELETE).at(Low)
        }
        Kind::MembershipGranted => privileges().at(Low),
        Kind::SupportGranted => privileges().at(Medium),
        Kind::SupportEnded => entity(manage::DEACTIVATE),
        Kind::SessionStarted | Kind::SessionSteppedUp => Line::new(Class::Authentication, 1),
        Kind::SessionAcknowledged => entity(manage::UPDATE),
        Kind::SessionEnded => Line::new(Class::Authentication, 2),
        Kind::SessionRefused => Line::new(Class::Authentication, 1).at(Medium).failed(),
        Kind::ProfileChanged => entity(manage::UPDATE),
        Kind::DutyAttested | Kind::RiskProposed => entity(manage::CREATE),
        Kind::RiskApproved => entity(manage::ACTIVATE).at(Medium),
        Kind::RiskWithdrawn | Kind::AttestationWithdrawn => entity(manage::DEACTIVATE),
        Kind::AttestationLapsed | Kind::RiskLapsed => entity(manage::DEACTIVATE).at(Low),
        Kind::PostureChanged => entity(OTHER).at(Low),
        Kind::IncidentOpened => finding(1).at(High),
        Kind::IncidentNoted | Kind::IncidentTold => finding(2),
        Kind::IncidentContained => entity(manage::SUSPEND).at(High),
        Kind::IncidentEnforced => entity(manage::ACTIVATE),
        Kind::IncidentLifted => entity(manage::RESUME).at(Medium),
        Kind::IncidentClosed => finding(3),
        Kind::PrivacyRequested => entity(manage::CREATE).at(Low),
        Kind::PrivacyErased | Kind::PrivacyForgotten => entity(manage::DELETE).at(Low),
        Kind::PrivacyAnswered | Kind::PrivacyClosed | Kind::PrivacyCertified => entity(manage::UPDATE),
        Kind::PrivacyExported | Kind::TenantExported => entity(OTHER).at(Low),
        Kind::TenantLeaving | Kind::TenantDeleted => entity(manage::DELETE).at(Medium),
        Kind::TenantCertified => entity(manage::UPDATE),
        Kind::PrivacyFailed | Kind::PrivacyOverdue => entity(OTHER).at(Medium).failed(),
        Kind::LogWitnessRemoved => entity(manage::DISABLE).at(Low),
        Kind::BackupMade => entity(manage::CREATE),
        Kind::BackupFailed => entity(manage::CREATE).at(Medium).failed(),
        Kind::BackupTested => entity(OTHER).told(&["passed"]),
        Kind::HostRestored | Kind::LogRestored => entity(manage::UPDATE).at(High),
        Kind::StatusAnnounced => entity(manage::UPDATE),
        Kind::OutletStarted | Kind::OutletRecovered => entity(manage::ENABLE),
        Kind::OutletStopped => entity(manage::DISABLE).at(Medium),
        Kind::OutletFailing => entity(OTHER).at(Medium).failed(),
        Kind::OutletMissed => entity(OTHER).at(High).failed(),
    }
}
