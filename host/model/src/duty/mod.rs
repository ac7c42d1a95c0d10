//! The line of responsibility, as it is kept: which profiles a tenant has turned on, what was attested, which risks were accepted; and
//! the ports that these are kept and enforced through. What each duty means is in the catalogue of the crate `duties`.
//!
//! Invariants: of two settings the more restrictive holds (ACC-9); an attestation and an accepted risk end by themselves, at the very
//! moment that they name; a risk has an effect only after somebody else than its proposer approved it.

mod kept;
mod settings;

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    connection::ConnectionKey,
    error::StoreError,
    id::{DutyId, ProfileName, TenantId},
    time::Timestamp,
};

pub use kept::{Approval, Attestation, DutyState, Ending, PostureLine, Risk, RiskAbout, TurnedOn};
pub use settings::{SecondFactor, Settings, Value};

/// Who answers for a duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// Whoever operates the host and the service behind it.
    Platform,
    /// The customer whose data it is, through its admins.
    Subscriber,
    /// The publisher of a plugin.
    Developer,
    /// Whoever vets releases.
    Reviewer,
    /// Each of them for itself.
    Shared,
}

impl Party {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Platform, Self::Subscriber, Self::Developer, Self::Reviewer, Self::Shared];

    /// Its name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Subscriber => "subscriber",
            Self::Developer => "developer",
            Self::Reviewer => "reviewer",
            Self::Shared => "shared",
        }
    }

    /// Whether somebody of this party may do what is another's to do. What is shared is everybody's.
    pub fn may_act_for(self, other: Self) -> bool {
        self == other || other == Self::Shared
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Proof that whoever acts showed more than one factor shortly before, as the caller vouches for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factors(pub Vec<String>);

impl Factors {
    /// Whether these are two at least, of different kinds.
    pub fn are_two(&self) -> bool {
        self.0.iter().collect::<std::collections::BTreeSet<_>>().len() >= 2
    }
}

/// What holds in a tenant by the profiles that are on and the risks that were accepted: asked at every use, and never waited for.
#[async_trait]
pub trait TenantRules: fmt::Debug + Send + Sync {
    /// All settings of the profiles that are on, met.
    fn settings(&self, tenant: &TenantId) -> Settings;

    /// Whether a static token may leave now; the error says why not, and what to do (INT-3).
    fn static_token(&self, key: &ConnectionKey, now: Timestamp) -> Result<(), String>;

    /// Whether requests of this tenant may go to a host without TLS now (DAT-5).
    fn without_tls(&self, tenant: &TenantId, host: &str, now: Timestamp) -> Result<(), String>;

    /// Reads what has changed in storage, if anything has: cheap where nothing did.
    async fn refresh(&self) -> Result<(), StoreError>;
}

/// Where profiles, attestations and risks are kept. Each change is written together with its audit entry.
#[async_trait]
pub trait DutyStore: Send + Sync {
    /// Goes up with each change: cheap to ask.
    async fn duty_revision(&self) -> Result<u64, StoreError>;

    /// All that holds or waits, in one snapshot; what is over is not in it once that was recorded.
    async fn duty_state(&self) -> Result<DutyState, StoreError>;

    /// Turns a profile on; false where it is on already. What the tenant's installations may do is worked out anew.
    async fn turn_on(&self, on: TurnedOn, entry: Entry) -> Result<bool, StoreError>;

    /// Turns a profile off; false where it is not on.
    async fn turn_off(&self, tenant: TenantId, profile: ProfileName, entry: Entry) -> Result<bool, StoreError>;

    /// Keeps an attestation; its number is given by the store. It takes the place of the tenant's and party's one before.
    async fn attest(&self, attestation: Attestation, entry: Entry) -> Result<u64, StoreError>;

    /// Keeps a proposed risk; its number is given by the store.
    async fn propose(&self, risk: Risk, entry: Entry) -> Result<u64, StoreError>;

    /// Approves a risk that waits for it; false where it does not.
    async fn approve(&self, number: u64, approval: Approval, entry: Entry) -> Result<bool, StoreError>;

    /// Ends a risk that waits or holds; false where it is over already. Its effect is over with it.
    async fn end_risk(&self, number: u64, ending: Ending, entry: Entry) -> Result<bool, StoreError>;

    /// Ends an attestation, whose time is over or which was taken back; false where it is over already.
    async fn lapse_attestation(&self, number: u64, entry: Entry) -> Result<bool, StoreError>;

    /// How each line of a tenant's posture stood when it was last looked at.
    async fn postures(&self, tenant: TenantId) -> Result<Vec<PostureLine>, StoreError>;

    /// Keeps how lines stand now, each with its entry where that is worth one.
    async fn put_postures(&self, tenant: TenantId, lines: Vec<(PostureLine, Option<Entry>)>) -> Result<(), StoreError>;
}

/// Which duty a risk is about by what it is about.
pub const STATIC_TOKEN: &str = "INT-3";
/// As [`STATIC_TOKEN`], for hosts without TLS.
pub const WITHOUT_TLS: &str = "DAT-5";

/// Whether an id is this duty's.
pub fn is(id: &DutyId, name: &str) -> bool {
    id.as_str() == name
}
