//! `POST /incidents`: opens an incident, from an alert, a report of misbehaviour, or by hand.

use axum::http::StatusCode;
use portcullis_duties::incident::Opening;
use portcullis_model::{
    alert::{Alert, AlertId, AlertSeverity},
    audit::plain,
    id::{IdError, ReportId, TenantId},
    incident::{About as Subjects, LONGEST_TITLE, Origin, Subject},
    people::{Resource, actions},
    review::Misbehaviour,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{IncidentView, Ports, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable, unknown, v1::no_installation},
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
    /// What it reaches: `plugin:ID`, `publisher:ID`, `provider:ID` or `installation:ID`. Absent: the alert's
    /// installation, or the report's plugin.
    about: Option<String>,
    /// In this tenant alone.
    tenant: Option<String>,
    /// The alert that it is opened from, such as `alr_12`.
    alert: Option<String>,
    /// Instead, the report of misbehaviour that it is opened from.
    report: Option<String>,
    /// Whether personal data may be concerned. Absent: it may.
    personal_data: Option<bool>,
}

fn wrong(what: &str, why: &str) -> Problem {
    Problem::new(Reason::WrongBody, format!("{what}: {}.", plain(why)))
}

const NO_ALERT: &str = "There is no alert with this id; see GET /admin/v1/alerts.";
const NO_REPORT: &str = "There is no report of misbehaviour with this id.";

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

    async fn reported(&self, ports: &Ports) -> Result<Option<Misbehaviour>, Problem> {
        let read = |text: &String| text.parse().map_err(|why: IdError| wrong("report", &why.to_string()));
        let id: Option<ReportId> = self.report.as_ref().map(read).transpose()?;
        let Some(id) = id else { return Ok(None) };
        if self.alert.is_some() {
            return Err(wrong("report", "give it or an alert, not both"));
        }
        let all = ports.reports.misbehaviours().await.map_err(|error| unavailable(&error))?;
        all.into_iter().find(|one| one.id == id).map(Some).ok_or_else(|| unknown(NO_REPORT))
    }

    /// What it reaches. An installation's is its tenant's.
    async fn subject(&self, ports: &Ports) -> Result<Subject, Problem> {
        let (alert, report) = (self.found(ports).await?, self.reported(ports).await?);
        let of_origin = alert.as_ref().and_then(|alert| alert.installation.clone()).map(Subjects::Installation);
        let of_origin = of_origin.or_else(|| report.as_ref().map(|report| Subjects::Plugin(report.plugin.clone())));
        let subject = self.reaches(ports, of_origin).await?;
        // Another tenant's alert or report is as one that there is not.
        let others = |whose: Option<&TenantId>| subject.tenant.is_some() && subject.tenant.as_ref() != whose;
        if alert.is_some_and(|alert| others(alert.tenant.as_ref())) {
            return Err(unknown(NO_ALERT));
        }
        if report.is_some_and(|report| others(Some(&report.tenant))) {
            return Err(unknown(NO_REPORT));
        }
        Ok(subject)
    }

    async fn reaches(&self, ports: &Ports, of_origin: Option<Subjects>) -> Result<Subject, Problem> {
        let about = match (&self.about, of_origin) {
            (Some(text), _) => text.parse().map_err(|why: String| wrong("about", &why))?,
            (None, Some(about)) => about,
            (None, None) => return Err(wrong("about", "say what it is about, such as plugin:com.example.sync")),
        };
        let read = |text: &String| text.parse().map_err(|why: IdError| wrong("tenant", &why.to_string()));
        let tenant: Option<TenantId> = self.tenant.as_ref().map(read).transpose()?;
        let Subjects::Installation(id) = &about else { return Ok(Subject { about, tenant }) };
        let all = ports.installations.installations().await.map_err(|error| unavailable(&error))?;
        let found = all.into_iter().find(|one| one.id == *id);
        let found = found.filter(|one| tenant.as_ref().is_none_or(|tenant| one.tenant == *tenant));
        let found = found.ok_or_else(no_installation)?;
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
        let (alert, report) = (body.found(ports).await?, body.reported(ports).await?);
        let subject = body.subject(ports).await?;
        let severity = match &body.severity {
            Some(text) => text.parse().map_err(|why: String| wrong("severity", &why))?,
            None => alert.as_ref().map_or(AlertSeverity::High, |alert| alert.severity),
        };
        let opening = Opening {
            title: body.title.clone(),
            severity,
            concerned: ports.survey.concerned(&subject).await.map_err(|error| unavailable(&error))?,
            subject,
            origin: match (alert, report) {
                (Some(alert), _) => Origin::Alert(alert.id),
                (None, Some(report)) => Origin::Report(report.id),
                (None, None) => Origin::Hand,
            },
            personal_data: body.personal_data.unwrap_or(true),
        };
        let opened = ports.desk_of(&call).await?.open(opening).await.map_err(|error| refused(&error))?;
        let place = format!("/incidents/{}", opened.id);
        Ok(Reply::json(IncidentView::new(opened, call.now())).found_at(place))
    }
}
