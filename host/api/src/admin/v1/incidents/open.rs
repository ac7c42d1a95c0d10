//! `POST /incidents`: opens an incident, from an alert or by hand.

use axum::http::StatusCode;
use portcullis_duties::incident::Opening;
use portcullis_model::{
    alert::{Alert, AlertId, AlertSeverity},
    audit::plain,
    id::TenantId,
    incident::{About as Subjects, LONGEST_TITLE, Origin, Subject},
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{IncidentView, Ports, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable, unknown},
    problem::{Problem, Reason},
};

/// Opens an incident.
pub struct Open;

/// What it is about.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Opened {
    /// In a few words.
    #[schema(min_length = 3, max_length = 120)]
    title: String,
    /// How bad it is: `low`, `medium`, `high` or `critical`. Absent: as the alert has it, or `high`.
    severity: Option<String>,
    /// What it reaches: `plugin:ID`, `publisher:ID`, `provider:ID` or `installation:ID`. Absent: the alert's installation.
    about: Option<String>,
    /// In this tenant alone.
    tenant: Option<String>,
    /// The alert that it is opened from, such as `alr_12`.
    alert: Option<String>,
    /// Whether personal data may be concerned. Absent: it may.
    personal_data: Option<bool>,
}

fn wrong(what: &str, why: &str) -> Problem {
    Problem::new(Reason::WrongBody, format!("{what}: {}.", plain(why)))
}

const NO_ALERT: &str = "There is no alert with this id; see GET /admin/v1/alerts.";

impl Opened {
    fn alert(&self) -> Result<Option<AlertId>, Problem> {
        let read = |text: &String| text.parse().map_err(|why: String| wrong("alert", &why));
        self.alert.as_ref().map(read).transpose()
    }

    async fn found(&self, ports: &Ports) -> Result<Option<Alert>, Problem> {
        let Some(id) = self.alert()? else { return Ok(None) };
        let found = ports.alerts.alert(id, ports.clock.now()).await.map_err(|error| unavailable(&error))?;
        found.map(Some).ok_or_else(|| unknown(NO_ALERT))
    }

    /// What it reaches. An installation's is its tenant's.
    async fn subject(&self, ports: &Ports) -> Result<Subject, Problem> {
        let alert = self.found(ports).await?;
        let subject = self.reaches(ports, alert.as_ref()).await?;
        // Another tenant's alert is as one that there is not.
        match alert.filter(|alert| subject.tenant.is_some() && alert.tenant != subject.tenant) {
            Some(_) => Err(unknown(NO_ALERT)),
            None => Ok(subject),
        }
    }

    async fn reaches(&self, ports: &Ports, alert: Option<&Alert>) -> Result<Subject, Problem> {
        let about = match (&self.about, alert.and_then(|alert| alert.installation.clone())) {
            (Some(text), _) => text.parse().map_err(|why: String| wrong("about", &why))?,
            (None, Some(id)) => Subjects::Installation(id),
            (None, None) => return Err(wrong("about", "say what it is about, such as plugin:com.example.sync")),
        };
        let read = |text: &String| {
            text.parse().map_err(|why: portcullis_model::id::IdError| wrong("tenant", &why.to_string()))
        };
        let tenant: Option<TenantId> = self.tenant.as_ref().map(read).transpose()?;
        let Subjects::Installation(id) = &about else { return Ok(Subject { about, tenant }) };
        let all = ports.installations.installations().await.map_err(|error| unavailable(&error))?;
        let found = all.into_iter().find(|one| one.id == *id);
        let found = found.filter(|one| tenant.as_ref().is_none_or(|tenant| one.tenant == *tenant));
        let found =
            found.ok_or_else(|| unknown("There is no installation with this id; see GET /admin/v1/installations."))?;
        Ok(Subject { about, tenant: Some(found.tenant) })
    }
}

impl Operation for Open {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Opened>;
    type Answer = IncidentView;

    const ABOUT: About = About::post(actions::INCIDENTS_OPEN, "/incidents", "Open an incident")
        .text("Who must be told of it, and by when, follows from a table; times count from now.")
        .on(On::Tenant)
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, _: &Bare, _: &Bare, body: &Sent<Opened>) -> Result<Resource, Problem> {
        Ok(match body.0.subject(ports).await?.tenant {
            Some(tenant) => Resource::of(tenant, "incident"),
            None => Resource::of_platform("incident"),
        })
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<IncidentView>, Problem> {
        let body = &call.body.0;
        if !(3..=LONGEST_TITLE).contains(&body.title.trim().chars().count()) {
            return Err(wrong("title", "say it in 3 to 120 characters"));
        }
        let (alert, subject) = (body.found(ports).await?, body.subject(ports).await?);
        let severity = match &body.severity {
            Some(text) => text.parse().map_err(|why: String| wrong("severity", &why))?,
            None => alert.as_ref().map_or(AlertSeverity::High, |alert| alert.severity),
        };
        let opening = Opening {
            title: body.title.clone(),
            severity,
            concerned: ports.survey.concerned(&subject).await.map_err(|error| unavailable(&error))?,
            subject,
            origin: alert.map_or(Origin::Hand, |alert| Origin::Alert(alert.id)),
            personal_data: body.personal_data.unwrap_or(true),
        };
        let opened = ports.desk_of(&call).await?.open(opening).await.map_err(|error| refused(&error))?;
        let place = format!("/incidents/{}", opened.id);
        Ok(Reply::json(IncidentView::new(opened, call.now())).found_at(place))
    }
}
