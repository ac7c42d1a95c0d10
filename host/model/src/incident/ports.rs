//! The port behind which incidents are kept.

use async_trait::async_trait;

use super::{Incident, Reach};
use crate::{
    audit::Entry,
    error::StoreError,
    freeze::Freeze,
    id::{IncidentId, InstallationId},
};

/// Why an incident was not changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is none.
    #[error("there is no incident '{0}'; 'portcullis incident list' shows them")]
    Unknown(IncidentId),
    /// Somebody changed it in between.
    #[error("incident {0} was changed by somebody else just now; look at it again before you repeat this")]
    Conflict(IncidentId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a containment does in its one transaction.
#[derive(Clone, Debug)]
pub struct Measures {
    /// Why installations are suspended, as they say it from then on.
    pub reason: String,
    /// What is frozen.
    pub freezes: Vec<Freeze>,
    /// What freezing each is written down with; the number and the extent are added.
    pub frozen: Entry,
    /// What suspending each is written down with; the installation is added.
    pub suspended: Entry,
    /// What the containment is written down with; what it came to is added.
    pub contained: Entry,
}

/// What a containment did in its one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contained {
    /// The incident as it is now.
    pub incident: Incident,
    /// What was suspended.
    pub suspended: Vec<InstallationId>,
}

/// Why an installation may not run. It is shown to tenants' admins, and says no more than that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is contained in incident {incident}, and goes on when that is lifted: 'portcullis incident lift {incident}'"
)]
pub struct HeldBy {
    /// By which incident.
    pub incident: IncidentId,
}

/// Where incidents are kept. Each change is written together with its audit entry, or not at all.
#[async_trait]
pub trait IncidentStore: Send + Sync {
    /// All, the newest first.
    async fn incidents(&self) -> Result<Vec<Incident>, StoreError>;

    /// One of them.
    async fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, StoreError>;

    /// Keeps a new one.
    async fn open_incident(&self, incident: Incident, entry: Entry) -> Result<(), StoreError>;

    /// Replaces one whose revision is that of this one, and gives it the next.
    async fn change_incident(&self, incident: Incident, entries: Vec<Entry>) -> Result<Incident, ChangeError>;

    /// Contains it, in one transaction: every installation that its subject reaches at that moment is suspended, what is to be
    /// frozen is, and nothing of it starts again before it is lifted. The incident comes with its containment, less what is only
    /// known then: counts, numbers and the place in the log.
    async fn contain(&self, incident: Incident, measures: Measures) -> Result<Contained, ChangeError>;

    /// Lifts what a containment holds: its freezes, and that nothing of it starts. What was suspended stays so until somebody resumes it.
    /// `entry` says that it is lifted, `thawed` each freeze that is; number and extent are added.
    async fn lift(&self, incident: Incident, entry: Entry, thawed: Entry) -> Result<Incident, ChangeError>;

    /// Which containments hold and were not seen to be reached: cheap to ask.
    async fn unreached(&self) -> Result<Vec<IncidentId>, StoreError>;

    /// Which containments hold: cheap to ask.
    async fn holding(&self) -> Result<Vec<IncidentId>, StoreError>;

    /// Notes that one was reached, with the entry that says so; its place in the log is added. False where that is noted already.
    async fn reached(&self, id: &IncidentId, reach: Reach, entry: Entry) -> Result<bool, StoreError>;
}
