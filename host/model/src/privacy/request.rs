//! A request on record: what was asked, what each installation made of it, and what the host itself erased.
//!
//! Invariants: a part is answered once; a request is closed once, and what it was about and what was answered is kept no longer
//! than it takes; whatever is stored of a request is stored together with its entry.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Finders, Identity, PrivacyKind};
use crate::{
    audit::Entry,
    error::StoreError,
    event::Event,
    id::{InstallationId, PluginId, PrivacyId, TenantId},
    time::Timestamp,
};

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It is on record; what the host itself keeps is being erased, and nobody was asked yet.
    Begun,
    /// Plugins are asked.
    Asking,
    /// It is closed.
    Closed,
    /// It is closed, and whom it was about is not kept any more.
    Forgotten,
}

impl Stage {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Asking => "asking",
            Self::Closed => "closed",
            Self::Forgotten => "forgotten",
        }
    }

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Begun, Self::Asking, Self::Closed, Self::Forgotten].into_iter().find(|stage| stage.name() == name)
    }
}

/// A data subject's request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PrivacyRequest {
    /// Its id.
    pub id: PrivacyId,
    /// Of whose data.
    pub tenant: TenantId,
    /// What is asked for.
    pub kind: PrivacyKind,
    /// About whom; `None` once that is not kept any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<Identity>,
    /// For [`PrivacyKind::Correct`]: what is right now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction: Option<Value>,
    /// When it was put on record.
    pub opened: Timestamp,
    /// By when all must be answered.
    pub deadline: Timestamp,
    /// How far it got.
    pub stage: Stage,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
    /// Whether it was noticed that it is overdue.
    pub overdue: bool,
    /// The entry of the log that put it on record.
    pub entry: u64,
    /// What the host erased of what it keeps itself; `None`: nothing is to be, or not yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased: Option<HeldCopies>,
    /// The request to erase the same person by which this one was emptied before it came to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emptied_by: Option<PrivacyId>,
    /// Whether the host looked through what it keeps once more after the last part was settled: for one to erase.
    #[serde(skip)]
    pub settled: bool,
    /// Deliveries of the tenant that were under way when it was closed.
    #[serde(skip)]
    pub awaits: Vec<i64>,
    /// What each installation made of it.
    pub parts: Vec<PrivacyPart>,
}

impl PrivacyRequest {
    /// Whether no part waits any more.
    pub fn is_through(&self) -> bool {
        self.stage != Stage::Begun && self.parts.iter().all(|part| !matches!(part.state, PartState::Waiting))
    }

    /// The parts of which nobody has shown that they were done.
    pub fn unproven(&self) -> impl Iterator<Item = &PrivacyPart> {
        self.parts.iter().filter(|part| !part.state.is_proven())
    }
}

/// What an installation made of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PrivacyPart {
    /// Which installation.
    pub installation: InstallationId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// How it stands.
    #[serde(flatten)]
    pub state: PartState,
    /// When it was answered or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// How often it was asked and gave no final answer.
    pub tries: u32,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Whether the installation is suspended, so that its part waits.
    pub suspended: bool,
}

/// How a part stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum PartState {
    /// It has not answered.
    Waiting,
    /// It holds nothing about this person.
    NothingHeld,
    /// It was done.
    Done {
        /// To how many records.
        records: u32,
        /// Where and how, in the plugin's words.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// What is held, as JSON text: personal data. Only an export shows it.
        #[serde(skip)]
        data: Option<String>,
    },
    /// It did not answer by the deadline, or cannot any more.
    Failed {
        /// Why.
        error: String,
    },
    /// It cannot be asked: its developer has to be, by hand.
    NoHandler {
        /// Where.
        contact: String,
    },
    /// It is uninstalled: what the host still keeps of it is looked through, and the plugin is not asked.
    Uninstalled,
}

impl PartState {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::NothingHeld => "nothing-held",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::NoHandler { .. } => "no-handler",
            Self::Uninstalled => "uninstalled",
        }
    }

    /// Whether the plugin itself said that it was done, or that there is nothing to do.
    pub fn is_proven(&self) -> bool {
        matches!(self, Self::NothingHeld | Self::Done { .. })
    }
}

impl std::fmt::Debug for PartState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Done { records, .. } => write!(f, "Done({records} records)"),
            Self::Failed { error } => write!(f, "Failed({error})"),
            Self::NoHandler { contact } => write!(f, "NoHandler({contact})"),
            other => f.write_str(other.name()),
        }
    }
}

/// A part that is to be.
#[derive(Clone, Debug)]
pub struct NewPart {
    /// Which installation.
    pub installation: InstallationId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// How it stands from the start: [`PartState::Waiting`] is asked.
    pub state: PartState,
}

/// What the host keeps itself and erased, or found: counts by sort.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct HeldCopies {
    /// Of each installation: `values`, `files`, `log-lines`, `delivery-errors`.
    pub installations: BTreeMap<String, BTreeMap<String, u64>>,
    /// Of the tenant: `events`, `events-changed`, `consents`, `audit-values`, `answers`.
    pub tenant: BTreeMap<String, u64>,
    /// Whether nothing of it is left in the database's files of recent changes.
    pub is_gone: bool,
}

impl HeldCopies {
    /// Counts some of an installation's.
    pub fn count(&mut self, installation: &str, sort: &str, how_many: u64) {
        if how_many > 0 {
            *self.installations.entry(installation.to_owned()).or_default().entry(sort.to_owned()).or_default() +=
                how_many;
        }
    }

    /// Counts some of the tenant's.
    pub fn count_tenant(&mut self, sort: &str, how_many: u64) {
        if how_many > 0 {
            *self.tenant.entry(sort.to_owned()).or_default() += how_many;
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.installations.values().chain([&self.tenant]).flat_map(BTreeMap::values).sum()
    }

    /// Adds what another look found.
    pub fn add(&mut self, other: &Self) {
        for (installation, counts) in &other.installations {
            counts.iter().for_each(|(sort, how_many)| self.count(installation, sort, *how_many));
        }
        other.tenant.iter().for_each(|(sort, how_many)| self.count_tenant(sort, *how_many));
    }
}

/// A look through what the host keeps itself about a person.
#[derive(Clone)]
pub struct Sweep {
    /// The request.
    pub id: PrivacyId,
    /// Of whose data.
    pub tenant: TenantId,
    /// What is looked for.
    pub finders: Arc<Finders>,
    /// The stage that the request must be at: [`Stage::Begun`], then its plugins are asked; [`Stage::Asking`], once all parts are settled,
    /// once; [`Stage::Closed`], for the last look.
    pub at: Stage,
    /// What was removed outside of this storage already.
    pub files: HeldCopies,
    /// Where plugins are to be asked from then on: what they are asked.
    pub ask: Option<Event>,
    /// The entry about what was erased; it gets the counts, and each installation has one of its own.
    pub entry: Entry,
    /// The entry about values that were erased from beside the log.
    pub values: Entry,
}

/// How a request ends.
#[derive(Clone, Debug)]
pub struct Closing {
    /// The request.
    pub id: PrivacyId,
    /// Of whose data.
    pub tenant: TenantId,
    /// When.
    pub at: Timestamp,
    /// The entry about it.
    pub entry: Entry,
}

/// Storage of requests. Each change is one transaction with its entry.
#[async_trait]
pub trait PrivacyStore: Send + Sync {
    /// Puts a request on record, with its parts. Where there is an event its parts are asked at once, and its stage is
    /// [`Stage::Asking`]. The entry's index becomes the request's.
    async fn open_request(
        &self,
        request: PrivacyRequest,
        parts: Vec<NewPart>,
        event: Option<Event>,
        entry: Entry,
    ) -> Result<(), StoreError>;

    /// Erases what the host keeps itself, and has the parts asked of a request that has [`begun`](Stage::Begun): one transaction.
    /// `None` where the request is not of the stage at which that is to be done, or it was done. At the last look, requests of the same
    /// person that go on are emptied as well.
    async fn sweep(&self, sweep: Sweep) -> Result<Option<HeldCopies>, StoreError>;

    /// The requests of a tenant, or of all, oldest first. What was answered is not among them.
    async fn requests(&self, tenant: Option<TenantId>) -> Result<Vec<PrivacyRequest>, StoreError>;

    /// Those of all tenants that are not [`forgotten`](Stage::Forgotten), oldest first, as [`requests`](Self::requests) has them.
    async fn unfinished(&self) -> Result<Vec<PrivacyRequest>, StoreError>;

    /// One request, with what was answered.
    async fn request(&self, id: PrivacyId) -> Result<Option<PrivacyRequest>, StoreError>;

    /// Notes that a request is overdue. False where that was noted already.
    async fn note_overdue(&self, id: PrivacyId, entry: Entry) -> Result<bool, StoreError>;

    /// Whether any of these deliveries is held by a worker at that time.
    async fn still_under_way(&self, deliveries: Vec<i64>, now: Timestamp) -> Result<bool, StoreError>;

    /// Closes a request of this tenant; parts that wait are not asked any more. False where it is closed already.
    async fn close_request(&self, closing: Closing) -> Result<bool, StoreError>;

    /// Keeps no more whom a closed request was about, nor what was answered. False where that is so already.
    async fn forget_request(&self, id: PrivacyId, entry: Entry) -> Result<bool, StoreError>;
}
