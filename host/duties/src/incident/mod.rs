//! What people do about incidents: open, note, say who was told, lift, close; and what a containment is made of (INC-1 to INC-4).
//!
//! Invariants: each act is one entry, in the same transaction as its effect; nobody closes an incident without its cause and what
//! prevents another, nor while something that must be told with a time is open, unless they say why; a containment that nobody saw
//! reached is never told as one that was.

mod log;
mod plan;
mod tell;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use portcullis_model::{
    alert::AlertSeverity,
    audit::{Actor, Entry, Kind},
    duty::Party,
    error::StoreError,
    freeze::Freeze,
    id::{IncidentId, TenantId},
    incident::{
        ChangeError, Closing, Contained, Containment, Incident, IncidentStore, LONGEST_TITLE, MOST_NOTES, MOST_TOLD,
        Measures, Note, Origin, State, Subject, Told,
    },
    time::{Clock, Rng, Timestamp},
};

pub use log::{After, Data, Trail, is_key, since};
pub use plan::Plan;
pub use tell::{Concerned, table};

/// The shortest text that says something, in characters.
const SHORTEST: usize = 3;
/// The shortest cause and prevention.
const SHORTEST_CLOSING: usize = 10;
/// The longest text that is kept, in characters.
const LONGEST: usize = 2_000;

/// Why an act about an incident is not done.
#[derive(Debug, thiserror::Error)]
pub enum IncidentError {
    /// It may not be done, or not like this; says what to do.
    #[error("{0}")]
    Refused(String),
    /// There is none, or somebody changed it.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn refuse<T>(why: impl Into<String>) -> Result<T, IncidentError> {
    Err(IncidentError::Refused(why.into()))
}

/// What is opened.
#[derive(Clone, Debug)]
pub struct Opening {
    /// In a few words.
    pub title: String,
    /// How bad it is.
    pub severity: AlertSeverity,
    /// What it reaches.
    pub subject: Subject,
    /// From what.
    pub origin: Origin,
    /// Whether personal data may be concerned.
    pub personal_data: bool,
    /// The tenants that the subject reaches.
    pub concerned: Vec<Concerned>,
}

/// Knows what incidents reach.
#[async_trait]
pub trait Survey: Send + Sync {
    /// What containing this would do now.
    async fn plan(&self, subject: &Subject) -> Result<Plan, StoreError>;

    /// The tenants that it reaches, with the profiles that are on in each.
    async fn concerned(&self, subject: &Subject) -> Result<Vec<Concerned>, StoreError>;

    /// All tenants, whose names are for nobody else.
    async fn tenants(&self) -> Result<Vec<TenantId>, StoreError>;
}

/// Where people act on incidents.
pub struct Incidents<'a> {
    /// Where they are kept.
    pub store: &'a dyn IncidentStore,
    /// Time.
    pub clock: &'a dyn Clock,
    /// For ids.
    pub rng: &'a dyn Rng,
    /// Who acts, as the log names them.
    pub actor: Actor,
    /// Their name, as it is kept.
    pub name: String,
    /// Whether they act for whoever runs the host.
    pub platform: bool,
}

/// Why whatever a containment suspends and freezes is: it is shown to every tenant that it reaches, and names none.
pub fn reason(id: &IncidentId) -> String {
    format!("contained in incident {id}")
}

fn text(what: &str, given: &str, least: usize, most: usize) -> Result<String, IncidentError> {
    let text = given.trim();
    let count = text.chars().count();
    if count < least || count > most {
        return refuse(format!("{what}: say it in {least} to {most} characters; these are {count}"));
    }
    Ok(text.to_owned())
}

impl Incidents<'_> {
    /// Opens one.
    pub async fn open(&self, opening: Opening) -> Result<Incident, IncidentError> {
        let Opening { title, severity, subject, origin, personal_data, concerned } = opening;
        let title = text("the title", &title, SHORTEST, LONGEST_TITLE)?;
        let now = self.clock.now();
        let incident = Incident {
            id: IncidentId::random(self.rng),
            title,
            severity,
            tell: table(&subject, severity, personal_data, &concerned, now),
            subject,
            origin,
            personal_data,
            opened: now,
            by: self.name.clone(),
            notes: Vec::new(),
            containment: None,
            closed: None,
            announced: None,
            revision: 1,
        };
        let due: Vec<String> = incident
            .tell
            .iter()
            .map(|one| match one.due {
                Some(due) => format!("{} by {due}", one.key),
                None => one.key.clone(),
            })
            .collect();
        let entry = self
            .entry(Kind::IncidentOpened, &incident)
            .with_personal("title", &incident.title)
            .with("severity", severity.name())
            .with("from", incident.origin.words())
            .with("personal-data", personal_data)
            .with("tenants", concerned.len())
            .with("tell", due);
        self.store.open_incident(incident.clone(), entry).await?;
        Ok(incident)
    }

    /// One of them.
    pub async fn find(&self, id: &IncidentId) -> Result<Incident, IncidentError> {
        self.store.incident(id).await?.ok_or_else(|| ChangeError::Unknown(id.clone()).into())
    }

    /// Keeps what was found or done.
    pub async fn note(&self, id: &IncidentId, given: &str) -> Result<Incident, IncidentError> {
        let mut incident = self.find(id).await?;
        let given = text("the note", given, SHORTEST, LONGEST)?;
        if incident.notes.len() >= MOST_NOTES {
            return refuse(format!(
                "an incident has at most {MOST_NOTES} notes; write into your own documents and note where"
            ));
        }
        let entry = self.entry(Kind::IncidentNoted, &incident).with_personal("note", &given);
        incident.notes.push(Note { by: self.name.clone(), at: self.clock.now(), text: given });
        Ok(self.store.change_incident(incident, vec![entry]).await?)
    }

    /// Keeps that somebody was told. `tenant`: of which tenant; none: of all that the line names.
    pub async fn told(
        &self,
        id: &IncidentId,
        key: &str,
        to: &str,
        tenant: Option<TenantId>,
        at: Option<Timestamp>,
    ) -> Result<Incident, IncidentError> {
        let mut incident = self.find(id).await?;
        let to = text("--to", to, SHORTEST, LONGEST)?;
        let (now, keys) = (self.clock.now(), keys(&incident));
        let at = at.unwrap_or(now);
        if at > now {
            return refuse(format!("{at} has not come; say it when it is done"));
        }
        if incident.tell.iter().map(|one| one.told.len()).sum::<usize>() >= MOST_TOLD {
            return refuse(format!("at most {MOST_TOLD} such lines are kept; say it of all tenants at once"));
        }
        let Some(line) = incident.tell.iter_mut().find(|one| one.key == key) else {
            return refuse(format!(
                "nobody called '{}' must be told of it; there are {keys}",
                portcullis_model::audit::plain(key)
            ));
        };
        let by_platform = incident.containment.as_ref().is_some_and(|one| one.platform);
        if line.by == Party::Platform && by_platform && !self.platform {
            return refuse(format!("'{key}' is for whoever runs the host to tell, and to say"));
        }
        if let Some(tenant) = tenant.as_ref().filter(|tenant| !line.tenants.contains(tenant)) {
            return refuse(format!("'{key}' is not about tenant {tenant}"));
        }
        let late = line.due.is_some_and(|due| at > due);
        line.told.push(Told { by: self.name.clone(), at, to: to.clone(), tenant: tenant.clone() });
        let entry = self.entry(Kind::IncidentTold, &incident);
        let entry = Entry { tenant: tenant.or_else(|| entry.tenant.clone()), ..entry }
            .with("who", key)
            .with_personal("to", &to)
            .with("at", at.to_string())
            .with("late", late);
        Ok(self.store.change_incident(incident, vec![entry]).await?)
    }

    /// Contains it: one transaction that suspends and freezes what the plan names.
    ///
    /// `left_to_host`: a running host goes on with the rest by itself.
    pub async fn contain(&self, id: &IncidentId, plan: &Plan, left_to_host: bool) -> Result<Contained, IncidentError> {
        let mut incident = self.find(id).await?;
        match (incident.state(), &incident.containment) {
            (State::Closed, _) => return refuse(format!("incident {id} is closed; open another one")),
            (_, Some(one)) if one.holds() => {
                return refuse(format!(
                    "incident {id} is contained since {}; 'portcullis incident contain {id} --resume' goes on with what is not through",
                    one.at
                ));
            }
            _ => {}
        }
        let at = self.clock.now();
        incident.containment = Some(Containment {
            at,
            log_index: 0,
            by: self.name.clone(),
            platform: self.platform,
            left_to_host,
            suspended: 0,
            already: 0,
            freezes: Vec::new(),
            rotates: plan.rotate.clone(),
            holders: plan.holders.clone(),
            reach: None,
            egress: None,
            through: None,
            given_up: None,
            lifted: None,
        });
        let reason = reason(id);
        let freeze = |extent: &_| Freeze {
            number: 0,
            extent: Clone::clone(extent),
            reason: reason.clone(),
            by: self.name.clone(),
            since: at,
            act: None,
            incident: Some(id.clone()),
            platform: self.platform,
        };
        let of = |kind| Entry { time: at, ..self.entry(kind, &incident) }.with("incident", id.as_str());
        let measures = Measures {
            freezes: plan.freeze.iter().map(freeze).collect(),
            frozen: of(Kind::FreezeAdded).about("freeze").with("reason", reason.as_str()),
            suspended: of(Kind::PluginSuspended),
            contained: of(Kind::IncidentContained)
                .with("freezes", plan.freeze.len())
                .with("rotates", plan.rotate.len()),
            reason,
        };
        Ok(self.store.contain(incident, measures).await?)
    }

    /// Notes that a running host does not go on with it by itself any more.
    pub async fn give_up(&self, id: &IncidentId) -> Result<Incident, IncidentError> {
        let now = self.clock.now();
        self.update(id, move |one| one.given_up = Some(now)).await
    }

    /// Lifts what its containment holds. What was suspended stays so until its admin resumes it.
    pub async fn lift(&self, id: &IncidentId, why: &str) -> Result<Incident, IncidentError> {
        let mut incident = self.find(id).await?;
        let why = text("--reason", why, SHORTEST, LONGEST)?;
        let now = self.clock.now();
        let lifted = Note { by: self.name.clone(), at: now, text: why.clone() };
        match incident.containment.as_mut().filter(|one| one.holds()) {
            None => return refuse(format!("incident {id} holds nothing")),
            Some(containment) if containment.platform && !self.platform => {
                return refuse(format!(
                    "incident {id} was contained by whoever runs this host, who lifts that, and nobody else"
                ));
            }
            Some(containment) => containment.lifted = Some(lifted),
        }
        let of = |kind| self.entry(kind, &incident).with("incident", id.as_str()).with("reason", why.as_str());
        let (entry, thawed) = (of(Kind::IncidentLifted), of(Kind::FreezeLifted).about("freeze"));
        Ok(self.store.lift(incident, entry, thawed).await?)
    }

    /// Closes it.
    pub async fn close(
        &self,
        id: &IncidentId,
        cause: &str,
        prevention: &str,
        untold: Option<&str>,
    ) -> Result<Incident, IncidentError> {
        let mut incident = self.find(id).await?;
        let cause = text("--cause", cause, SHORTEST_CLOSING, LONGEST)?;
        let prevention = text("--prevention", prevention, SHORTEST_CLOSING, LONGEST)?;
        let untold = untold.map(|why| text("--untold", why, SHORTEST_CLOSING, LONGEST)).transpose()?;
        if incident.state() == State::Closed {
            return refuse(format!("incident {id} is closed already"));
        }
        if incident.containment.as_ref().is_some_and(|one| one.platform && one.holds()) && !self.platform {
            return refuse(format!("whoever runs the host contained incident {id}, and closes it"));
        }
        let open: Vec<&str> =
            incident.tell.iter().filter(|one| !one.open().is_empty()).map(|one| one.key.as_str()).collect();
        if !open.is_empty() && untold.is_none() {
            return refuse(format!(
                "nobody has said that these were told: {}. Say so with 'portcullis incident told', or say with --untold why they need not be",
                open.join(", ")
            ));
        }
        let mut entry = self
            .entry(Kind::IncidentClosed, &incident)
            .with_personal("cause", &cause)
            .with_personal("prevention", &prevention)
            .with("untold", open)
            .with("holds", incident.containment.as_ref().is_some_and(Containment::holds));
        if let Some(why) = &untold {
            entry = entry.with_personal("untold-because", why);
            incident.notes.push(Note {
                by: self.name.clone(),
                at: self.clock.now(),
                text: format!("closed with tellings open: {why}"),
            });
        }
        incident.closed = Some(Closing { at: self.clock.now(), by: self.name.clone(), cause, prevention });
        Ok(self.store.change_incident(incident, vec![entry]).await?)
    }

    /// Keeps what is known of a containment since: when nothing went out any more, and that it is through.
    pub async fn update(
        &self,
        id: &IncidentId,
        change: impl Fn(&mut Containment) + Send,
    ) -> Result<Incident, IncidentError> {
        // The running host writes into it as well: what it said is not lost.
        for _ in 0..8 {
            let mut incident = self.find(id).await?;
            match incident.containment.as_mut() {
                None => return refuse(format!("incident {id} is not contained")),
                Some(containment) => change(containment),
            }
            match self.store.change_incident(incident, Vec::new()).await {
                Err(ChangeError::Conflict(_)) => {}
                other => return Ok(other?),
            }
        }
        Err(ChangeError::Conflict(id.clone()).into())
    }

    fn entry(&self, kind: Kind, incident: &Incident) -> Entry {
        entry(self.clock.now(), kind, self.actor.clone(), incident)
    }
}

/// An entry about an incident. Whoever looks for its plugin or installation finds it.
pub fn entry(now: Timestamp, kind: Kind, actor: Actor, incident: &Incident) -> Entry {
    let entry = Entry::new(now, kind, actor, incident.subject.tenant.clone())
        .about(incident.resource())
        .with("subject", incident.subject.to_string());
    match incident.subject.about.parts() {
        (kind @ ("plugin" | "installation"), name) => entry.with(kind, name),
        _ => entry,
    }
}

fn keys(incident: &Incident) -> String {
    incident.tell.iter().map(|one| one.key.as_str()).collect::<Vec<_>>().join(", ")
}
