//! The review of releases as it lies in the store: submissions, what was said and done about each, reports of misbehaviour,
//! known vulnerabilities; and the port to them.
//!
//! What a review decided is not here: verdicts are signed statements, and lie with the other statements. Which state a
//! submission is in is derived from its notes, those statements and the time, and is kept nowhere.
//!
//! Invariants: notes are appended and never changed; a behaviour report lies under its SHA-256; every change is written
//! together with its audit entry, or not at all.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    error::StoreError,
    id::{ActId, Digest, InstallationId, PluginId, PublisherId, ReportId, TenantId},
    release::ReleaseId,
    time::Timestamp,
    trust::RootScope,
};

/// The most notes of one submission.
pub const MAX_NOTES: usize = 1_000;

/// A release that was handed in for review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Submission {
    /// Digest of its component.
    pub component: Digest,
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Which plugin, as its manifest says.
    pub plugin: PluginId,
    /// Who publishes it.
    pub publisher: PublisherId,
    /// Its version, for people.
    pub version: String,
    /// Its number.
    pub number: u64,
}

impl Submission {
    /// Which release.
    pub fn release(&self) -> ReleaseId {
        ReleaseId { component: self.component, manifest: self.manifest }
    }
}

/// What was said or done about a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// It was handed in, for the first time or again.
    Submitted,
    /// Whoever handed it in took it back.
    Withdrawn {
        /// Why.
        reason: String,
    },
    /// A reviewer is to look at it.
    Assigned {
        /// The id of the reviewer's key.
        key: String,
        /// Whose key that is, as the root had it then.
        owner: String,
    },
    /// Somebody said something.
    Commented {
        /// What.
        text: String,
    },
    /// A behaviour report was attached.
    Attached {
        /// Its SHA-256.
        report: Digest,
    },
    /// A reviewer did without a behaviour report.
    Waived {
        /// The id of the reviewer's key.
        key: String,
        /// Why.
        reason: String,
    },
}

/// A step, when and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When, by the host's clock.
    pub at: Timestamp,
    /// The account at the keyboard, or the person or program that asked the API.
    pub by: String,
    /// By whose root: what reviewers of one root say is not for those of another.
    #[serde(default = "platform")]
    pub root: RootScope,
    /// What.
    #[serde(flatten)]
    pub step: Step,
}

/// By whose root what was written before that was written down.
fn platform() -> RootScope {
    RootScope::Platform
}

impl Note {
    /// Whether those who review by this root may read it: what they said themselves, and that it was handed in or taken back.
    pub fn is_for(&self, root: &RootScope) -> bool {
        self.root == *root || matches!(self.step, Step::Submitted | Step::Withdrawn { .. })
    }
}

/// The most reports of a tenant about one release that nobody has looked into.
pub const MOST_OPEN: usize = 10;

/// A tenant's report that a plugin misbehaves (INT-10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Misbehaviour {
    /// Its id.
    pub id: ReportId,
    /// Which plugin.
    pub plugin: PluginId,
    /// The release's version, for people.
    pub version: String,
    /// The release's number.
    pub number: u64,
    /// Digest of the release's component.
    pub component: Digest,
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Who reports it. For the platform alone.
    pub tenant: TenantId,
    /// In which installation it was seen. For the platform alone.
    pub installation: InstallationId,
    /// The account at the keyboard.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What it does, in the reporter's words. For the platform alone.
    pub reason: String,
    /// Acts of the installation, in the log, that show it.
    pub evidence: Vec<ActId>,
    /// What came of it, once somebody looked into it.
    pub resolved: Option<Resolution>,
}

impl Misbehaviour {
    /// Which release.
    pub fn release(&self) -> ReleaseId {
        ReleaseId { component: self.component, manifest: self.manifest }
    }
}

/// What came of a report of misbehaviour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Resolution {
    /// When.
    pub at: Timestamp,
    /// The account at the keyboard.
    pub by: String,
    /// For the platform.
    pub note: String,
    /// For every tenant that runs the release.
    pub public_note: String,
}

/// How bad a vulnerability is, as its advisory says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The advisory does not say, or in a way that cannot be read.
    Unknown,
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 and more.
    Critical,
}

impl Severity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A dependency of a release that an advisory speaks of (MNT-3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Vulnerability {
    /// The advisory's id, such as `RUSTSEC-2024-0001`.
    pub advisory: String,
    /// The dependency's name.
    pub dependency: String,
    /// Which version of it the release has in it.
    pub version: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in the advisory's words.
    pub summary: String,
    /// The first version without it, where there is one.
    pub fixed: Option<String>,
    /// False where the versions could not be compared: it may be affected.
    pub certain: bool,
}

/// Storage of reviews.
#[async_trait]
pub trait ReviewStore: Send + Sync {
    /// All submissions, oldest first.
    async fn submissions(&self) -> Result<Vec<Submission>, StoreError>;

    /// The notes of a release's submission, oldest first.
    async fn notes(&self, release: &ReleaseId) -> Result<Vec<Note>, StoreError>;

    /// Appends a note to a submission that has `after` of them by now. False where somebody else was faster. The first
    /// one of a release makes its submission.
    async fn put_note(
        &self,
        submission: Submission,
        after: usize,
        note: Note,
        entry: Entry,
    ) -> Result<bool, StoreError>;

    /// Keeps a behaviour report under its digest; the same again changes nothing.
    async fn put_report(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), StoreError>;

    /// A behaviour report, as it lies there.
    async fn report(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError>;

    /// All reports of misbehaviour, oldest first.
    async fn misbehaviours(&self) -> Result<Vec<Misbehaviour>, StoreError>;

    /// Adds a report, or replaces the one with its id as long as that is not resolved. False where it is, or where its tenant has
    /// [`MOST_OPEN`] about the release already.
    async fn put_misbehaviour(&self, report: Misbehaviour, entry: Entry) -> Result<bool, StoreError>;

    /// What was found at the last scan, release by release.
    async fn vulnerabilities(&self) -> Result<Vec<(ReleaseId, Vec<Vulnerability>)>, StoreError>;

    /// Replaces what was found in a release.
    async fn put_vulnerabilities(
        &self,
        release: ReleaseId,
        found: Vec<Vulnerability>,
        entry: Entry,
    ) -> Result<(), StoreError>;
}
