//! Installations: which there are, what each may do, and changes of that.
//!
//! Invariant: every change is made by the functions that the command line has always used, against the version that whoever
//! asks has seen.

mod activity;
mod capability;
mod changing;
mod get;
mod grant;
mod install;
#[cfg(test)]
mod leaving_tests;
mod limits;
mod list;
mod log;
#[cfg(test)]
mod log_tests;
mod pinned;
mod policy;
mod prospect;
#[cfg(test)]
mod prospect_tests;
mod receipt;
mod restore;
mod resume;
mod rollback;
mod standing;
mod suspend;
#[cfg(test)]
mod tests;
mod uninstall;
mod upgrade;
mod usage;
mod view;

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Recorder, reader::AuditReader},
    bounds::Bounds,
    budget::BudgetStore,
    erasure::ErasureStore,
    error::StoreError,
    id::InstallationId,
    installation::{Installation, InstallationStore},
    invoke::PluginLogReader,
    people::Resource,
    scope::ScopeText,
    time::{Clock, Rng},
};
use portcullis_packages::{
    check::Registry,
    install::{InstallError, Installer},
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::connections::EndedBy;
use crate::{
    admin::{Group, unavailable, v1::installed},
    problem::{Problem, Reason},
};

pub use self::view::{Changed, InstallationView};

/// The most scopes that one parameter has.
const MOST_SCOPES: usize = 500;

/// What the log has of an installation's erasure.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// The entry's place in the log, from 0.
    pub index: u64,
    /// The entry that says so, with its counts.
    pub entry: Entry,
    /// The proof that the published log has it; `None` where it is not published yet.
    pub proof: Option<Value>,
}

/// Proves that installations were erased.
#[async_trait]
pub trait Receipts: Send + Sync {
    /// The erasure of this one, where it is erased.
    ///
    /// # Errors
    /// Storage.
    async fn erasure(&self, id: &InstallationId) -> Result<Option<Erasure>, StoreError>;
}

/// What installations are read and changed with.
pub struct Ports {
    /// How releases are checked.
    pub registry: Arc<Registry>,
    /// Where installations lie.
    pub installations: Arc<dyn InstallationStore>,
    /// What they are taken out of.
    pub leaving: Arc<dyn ErasureStore>,
    /// What ends the credentials of those that leave.
    pub ended_by: EndedBy,
    /// What proves that they were erased.
    pub receipts: Arc<dyn Receipts>,
    /// What they wrote to their own logs.
    pub logs: Arc<dyn PluginLogReader>,
    /// What budgets have suspended.
    pub budgets: Arc<dyn BudgetStore>,
    /// Where refusals are written.
    pub recorder: Arc<dyn Recorder>,
    /// What holds for whatever is granted.
    pub bounds: Bounds,
    /// Where it is looked up what was used.
    pub reader: Arc<dyn AuditReader>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids.
    pub rng: Arc<dyn Rng>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<install::Install>()
        .with::<prospect::Plan>()
        .with::<get::Get>()
        .with::<grant::Grant>()
        .with::<limits::SetLimits>()
        .with::<policy::SetPolicy>()
        .with::<suspend::Suspend>()
        .with::<resume::Resume>()
        .with::<capability::GoOn>()
        .with::<upgrade::Plan>()
        .with::<upgrade::Upgrade>()
        .with::<rollback::Rollback>()
        .with::<usage::Usage>()
        .with::<log::Log>()
        .with::<activity::Activity>()
        .with::<standing::Stands>()
        .with::<uninstall::Uninstall>()
        .with::<restore::Restore>()
        .with::<receipt::Receipt>()
}

/// Which installation.
#[derive(Clone, Deserialize, IntoParams)]
pub struct Which {
    /// The installation's id.
    #[param(value_type = String)]
    pub(crate) id: InstallationId,
}

impl Ports {
    /// The installation with this id.
    async fn find(&self, id: &InstallationId) -> Result<Installation, Problem> {
        installed(self.installations.as_ref(), id).await
    }

    async fn resource(&self, which: &Which) -> Result<Resource, Problem> {
        let found = self.find(&which.id).await?;
        Ok(Resource::of(found.tenant, "installation").named(found.id.as_str()))
    }

    /// The same, as it is shown.
    async fn shown(&self, installation: &Installation) -> Result<InstallationView, Problem> {
        let now = self.clock.now();
        let suspensions = self.budgets.suspensions(now).await.map_err(|error| unavailable(&error))?;
        Ok(InstallationView::of(installation, &suspensions))
    }

    fn installer<'a>(
        &'a self,
        installations: &'a dyn InstallationStore,
        recorder: &'a dyn Recorder,
        actor: Actor,
        platform: bool,
    ) -> Installer<'a> {
        let (clock, rng) = (self.clock.as_ref(), self.rng.as_ref());
        Installer { registry: &self.registry, installations, recorder, clock, rng, actor, platform }
    }
}

/// What an installation's change was refused for.
pub(super) fn refused(error: InstallError) -> Problem {
    use portcullis_model::release::ReleaseError;
    use portcullis_packages::trust::keeper::KeeperError;
    let reason = match &error {
        InstallError::Store(error) | InstallError::Release(ReleaseError::Store(error)) => return unavailable(error),
        InstallError::Statement(KeeperError::Store(error)) => return unavailable(error),
        InstallError::Unrecorded { source, .. } => return unavailable(source),
        InstallError::Release(ReleaseError::Refused { .. }) => Reason::ReleaseRefused,
        InstallError::NoInstallation(_) | InstallError::Release(ReleaseError::Missing(_)) => Reason::Unknown,
        InstallError::Conflict(_) => Reason::OtherVersion,
        InstallError::Gone(_)
        | InstallError::Held(..)
        | InstallError::ByPlatform { .. }
        | InstallError::NotUninstalled(_)
        | InstallError::Erasing(_)
        | InstallError::Evidence(_)
        | InstallError::NoPrevious(_)
        | InstallError::NotNewer { .. }
        | InstallError::Waits { .. } => Reason::Conflict,
        _ => Reason::Refused,
    };
    Problem::new(reason, words(&error.to_string()))
}

/// Scopes, out of their text.
fn scopes(texts: &[String]) -> Result<Vec<ScopeText>, Problem> {
    let read = |text: &String| {
        text.parse().map_err(|error: portcullis_model::scope::ScopeError| {
            Problem::new(Reason::WrongBody, words(&error.to_string()))
        })
    };
    texts.iter().map(read).collect()
}

/// Scopes, out of a parameter that has one a line.
fn listed_scopes(text: &str) -> Result<Vec<ScopeText>, Problem> {
    let texts: Vec<String> = text.lines().map(str::to_owned).collect();
    if texts.len() > MOST_SCOPES {
        return Err(Problem::new(Reason::WrongQuery, format!("grant: at most {MOST_SCOPES} scopes.")));
    }
    scopes(&texts).map_err(|problem| Problem { reason: Reason::WrongQuery, ..problem })
}

/// The words of an error, as the command line says them too.
fn words(text: &str) -> String {
    portcullis_model::audit::plain(text)
}
