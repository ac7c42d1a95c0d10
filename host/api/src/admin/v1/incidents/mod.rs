//! Incidents: contained in one act, followed until they are closed, with who must be told by when (INC-1 to INC-4).
//!
//! Invariants: an incident that reaches more than one tenant is the platform's to see and to change; what the platform contained no
//! tenant lifts; each act is an audit entry, written with it.

mod announce;
mod close;
mod contain;
mod get;
mod lift;
mod list;
mod log;
mod note;
mod open;
#[cfg(test)]
mod tests;
mod told;

use std::sync::Arc;

use portcullis_duties::incident::{IncidentError, Incidents, Survey, Trail};
use portcullis_model::{
    alert::Alerts,
    audit::{Actor, Recorder, plain, reader::AuditReader},
    id::IncidentId,
    incident::{ChangeError, Incident, IncidentStore, State},
    installation::InstallationStore,
    people::Resource,
    review::ReviewStore,
    time::{Clock, Rng, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::status::Board;
use crate::{
    admin::{Call, Group, Operation, unavailable, unknown},
    problem::{Problem, Reason},
};

/// In milliseconds.
const DAY: i64 = 86_400_000;

/// What incidents are read and changed with.
pub struct Ports {
    /// Where they are kept.
    pub incidents: Arc<dyn IncidentStore>,
    /// What they reach.
    pub survey: Arc<dyn Survey>,
    /// What they can be opened from.
    pub alerts: Arc<dyn Alerts>,
    /// What they can be opened from, too: reports of misbehaviour.
    pub reports: Arc<dyn ReviewStore>,
    /// Whose installations are.
    pub installations: Arc<dyn InstallationStore>,
    /// What the log has of them.
    pub reader: Arc<dyn AuditReader>,
    /// Where it is written down that somebody reads that.
    pub recorder: Arc<dyn Recorder>,
    /// Where everybody is told of one.
    pub board: Arc<dyn Board>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// For ids.
    pub rng: Arc<dyn Rng>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<open::Open>()
        .with::<get::Get>()
        .with::<log::Log>()
        .with::<contain::Contain>()
        .with::<lift::Lift>()
        .with::<note::Note>()
        .with::<told::Told>()
        .with::<announce::Announce>()
        .with::<close::Close>()
}

/// Which incident.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// Its id, such as `inc_1f0c`.
    #[param(value_type = String)]
    id: IncidentId,
}

/// An incident: what it reaches, how it was contained, who must be told by when, what was found, and how it ended.
#[derive(Serialize, ToSchema)]
#[schema(as = Incident)]
pub struct IncidentView {
    /// How far it is: `open`, `contained` or `closed`.
    #[schema(value_type = String)]
    state: State,
    /// In words, what it reaches.
    reaches: String,
    /// Which of those who must be told were not told in time.
    overdue: Vec<String>,
    /// From the entry of its containment to when nothing ran and nothing went out, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    /// Whether it is known that nothing of it runs or goes out.
    reached: bool,
    /// What finds it in the log, from a day before it was opened on.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    /// All that is kept of it.
    #[schema(value_type = Object)]
    incident: Incident,
}

impl IncidentView {
    fn new(incident: Incident, now: Timestamp) -> Self {
        let overdue = incident.tell.iter().filter(|one| one.is_overdue(now)).map(|one| one.key.clone()).collect();
        let containment = incident.containment.as_ref();
        Self {
            state: incident.state(),
            reaches: incident.subject.to_string(),
            overdue,
            took_ms: containment.and_then(portcullis_model::incident::Containment::took_ms),
            filter: incident.subject.filter(Timestamp(incident.opened.0.saturating_sub(DAY))),
            reached: containment.is_some_and(portcullis_model::incident::Containment::is_reached),
            incident,
        }
    }

    /// Without what can be long: for lists.
    fn brief(mut self) -> Self {
        self.incident.notes.clear();
        self.incident.tell.iter_mut().for_each(|one| one.told.clear());
        self
    }
}

impl Ports {
    async fn find(&self, id: &IncidentId) -> Result<Incident, Problem> {
        let found = self.incidents.incident(id).await.map_err(|error| unavailable(&error))?;
        found.ok_or_else(|| unknown("There is no incident with this id; see GET /admin/v1/incidents."))
    }

    async fn resource(&self, which: &Which) -> Result<Resource, Problem> {
        Ok(whose(&self.find(&which.id).await?).named(which.id.to_string()))
    }

    fn trail(&self) -> Trail<'_> {
        Trail { survey: self.survey.as_ref(), installations: self.installations.as_ref() }
    }

    /// Where whoever asks acts on incidents; `platform`: for whoever runs the host.
    fn desk(&self, actor: Actor, platform: bool) -> Incidents<'_> {
        let name = match &actor {
            Actor::Person { name } | Actor::Account { name, .. } => name.clone(),
            Actor::Automation { client } => client.to_string(),
            _ => "the host".to_owned(),
        };
        let (store, clock, rng) = (self.incidents.as_ref(), self.clock.as_ref(), self.rng.as_ref());
        Incidents { store, clock, rng, actor, name, platform }
    }

    async fn desk_of<O: Operation>(&self, call: &Call<O>) -> Result<Incidents<'_>, Problem> {
        Ok(self.desk(call.actor(), call.on_platform().await?))
    }
}

/// Whose an incident is.
fn whose(incident: &Incident) -> Resource {
    match &incident.subject.tenant {
        Some(tenant) => Resource::of(tenant.clone(), "incident"),
        None => Resource::of_platform("incident"),
    }
}

fn refused(error: &IncidentError) -> Problem {
    match error {
        IncidentError::Refused(why) => Problem::new(Reason::Conflict, format!("{}.", plain(why))),
        IncidentError::Change(ChangeError::Unknown(_)) => {
            unknown("There is no incident with this id; see GET /admin/v1/incidents.")
        }
        IncidentError::Change(error @ ChangeError::Conflict(_)) => Problem::new(Reason::Conflict, format!("{error}.")),
        IncidentError::Change(ChangeError::Store(error)) | IncidentError::Store(error) => unavailable(error),
    }
}
