//! `POST /misbehaviour`: a tenant says that a plugin does what it should not, to the platform and to every tenant that runs it.

use async_trait::async_trait;
use portcullis_model::{
    audit::{Entry, plain},
    id::{ActId, InstallationId},
    installation::Installation,
    people::{Resource, actions},
    review::Misbehaviour,
};
use portcullis_packages::{
    install::{InstallError, Installer},
    review::{
        ReviewError,
        misbehaviour::{MAX_EVIDENCE, told_others},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ports, answered, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable, v1::installed},
    problem::{Problem, Reason},
};

/// Stops a release that is reported, where the configuration says so.
#[async_trait]
pub trait Stops: Send + Sync {
    /// Stops it everywhere where as many tenants report it as are enough. `None`: they are fewer, or none is enough.
    ///
    /// # Errors
    /// It could not be stopped; in words for the host's log.
    async fn after_report(&self, report: &Misbehaviour) -> Result<Option<Stopped>, String>;
}

/// How a release was stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ReleaseStopped)]
pub enum Stopped {
    /// It was quarantined before.
    Already,
    /// A quarantine was signed.
    Quarantined,
    /// So many installations were suspended.
    Suspended(usize),
}

impl Stopped {
    /// For people.
    pub fn words(&self) -> String {
        match self {
            Self::Already => "it is quarantined already".to_owned(),
            Self::Quarantined => "it is quarantined: it runs nowhere until that is lifted".to_owned(),
            Self::Suspended(count) => {
                format!("{count} installations were suspended (this host does not hold a key to quarantine it with)")
            }
        }
    }
}

/// Reports misbehaviour.
pub struct Report;

/// What a plugin does.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewMisbehaviour)]
pub struct Reporting {
    /// Which installation does it.
    #[schema(value_type = String)]
    installation: InstallationId,
    /// What it does: one line.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// Acts of it in the audit log that show it.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 20)]
    evidence: Vec<ActId>,
    /// Suspend the installation at once, too: that needs the right to do so.
    #[serde(default)]
    suspend: bool,
}

/// A report that was taken, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MisbehaviourReported)]
pub struct Reported {
    /// Whether this was a rehearsal: nothing was written then, and `report` has an id that stands for none.
    dry_run: bool,
    /// The report.
    #[schema(value_type = Object)]
    report: Misbehaviour,
    /// All that every other tenant that runs the release reads of it until somebody has looked into it.
    #[serde(rename = "others-read")]
    others_read: String,
    /// Whether the installation is suspended for it.
    suspended: bool,
    /// Why it is not suspended, where it was to be: the report was taken, and the release stopped where enough report it.
    #[serde(rename = "not-suspended", skip_serializing_if = "Option::is_none")]
    not_suspended: Option<String>,
    /// How the release was stopped everywhere, because enough tenants report it; for the platform alone.
    stopped: Option<Stopped>,
}

impl Reported {
    /// That it was taken, and nothing stopped for it.
    fn of(report: Misbehaviour) -> Self {
        let others_read = told_others(&report);
        Self { dry_run: false, others_read, report, suspended: false, not_suspended: None, stopped: None }
    }
}

impl Ports {
    async fn installation(&self, id: &InstallationId) -> Result<Installation, Problem> {
        installed(self.installations.as_ref(), id).await
    }

    /// Each act with its entry in the log, where there is one.
    async fn evidence(&self, acts: &[ActId]) -> Result<Vec<(ActId, Option<Entry>)>, Problem> {
        if acts.len() > MAX_EVIDENCE {
            return Err(refused(ReviewError::TooMany { what: "acts as evidence", most: MAX_EVIDENCE }));
        }
        let mut found = Vec::new();
        for id in acts {
            found.push((id.clone(), self.explain.entry(id).await.map_err(|error| unavailable(&error))?));
        }
        Ok(found)
    }

    /// Suspends it as it is by now: whoever changes it at the same time does not keep it running. Why it was not, where it was not: the
    /// report was taken all the same.
    async fn suspend(&self, call: &Call<Report>, report: &Misbehaviour) -> Result<Option<String>, Problem> {
        let installer = Installer {
            registry: &self.registry,
            installations: self.installations.as_ref(),
            recorder: self.recorder.as_ref(),
            clock: self.clock.as_ref(),
            rng: self.rng.as_ref(),
            actor: call.actor(),
            platform: call.on_platform().await?,
        };
        let reason = format!("reported for misbehaviour ({})", report.id);
        loop {
            match installer.suspend(&report.installation, &reason).await {
                Ok(_) => return Ok(None),
                Err(InstallError::Conflict(_)) => {}
                Err(InstallError::Store(error)) => {
                    tracing::error!(%error, "an installation that was reported could not be suspended");
                    return Ok(Some("the storage failed; suspend it by itself".to_owned()));
                }
                Err(error) => return Ok(Some(plain(&error.to_string()))),
            }
        }
    }
}

impl Operation for Report {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Reporting>;
    type Answer = Reported;

    const ABOUT: About = About::post(actions::MISBEHAVIOUR_REPORT, "/misbehaviour", "Report that a plugin misbehaves")
        .text(
            "The platform reads who reports it, and why; other tenants that run the release read that it was reported. Where the \
             configuration says so, the release is stopped everywhere when enough tenants report it.",
        )
        .on(On::Installation)
        .dry_run()
        .refuses(&[Reason::Unknown, Reason::StepUp, Reason::Conflict, Reason::Refused]);

    async fn resource(ports: &Ports, _: &Bare, _: &Bare, body: &Sent<Reporting>) -> Result<Resource, Problem> {
        let found = ports.installation(&body.0.installation).await?;
        Ok(Resource::of(found.tenant, "installation").named(found.id.as_str()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Reported>, Problem> {
        let Reporting { installation, reason, evidence, suspend } = call.body.0.clone();
        let installation = ports.installation(&installation).await?;
        if suspend {
            call.also(actions::INSTALLATIONS_SUSPEND).await?;
        }
        if suspend && installation.is_gone() {
            let advice = "suspend: this installation is uninstalled; report it without that.";
            return Err(Problem::new(Reason::Conflict, advice));
        }
        let (reports, evidence) = (ports.reports_of(&call), ports.evidence(&evidence).await?);
        if call.dry_run {
            let report = reports.draft(&installation, &reason, evidence).await.map_err(refused)?;
            return Ok(answered(true, Reported { dry_run: true, suspended: suspend, ..Reported::of(report) }));
        }
        let report = reports.report(&installation, &reason, evidence).await.map_err(refused)?;
        let stopped = ports.stops.after_report(&report).await.map_err(|error| unavailable(&error));
        let not_suspended = if suspend { ports.suspend(&call, &report).await? } else { None };
        let stopped = stopped?;
        // How many others run it is nothing to the tenant that reports it.
        let stopped = if call.on_platform().await? { stopped } else { None };
        let suspended = suspend && not_suspended.is_none();
        Ok(answered(false, Reported { suspended, not_suspended, stopped, ..Reported::of(report) }))
    }
}
