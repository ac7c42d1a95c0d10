//! `POST /privacy/requests`: puts a request of a data subject on record, and has all plugins of the tenant asked.

use std::time::Duration;

use axum::http::StatusCode;
use portcullis_model::{
    audit::query::moment,
    people::{Resource, actions},
    privacy::{Identity, PrivacyKind},
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Asked, Of, Ports, RequestView};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Opens a request.
pub struct Open;

/// In days.
const LONGEST: u32 = 366;

/// What is asked, and about whom.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewPrivacyRequest)]
pub struct Opening {
    /// `access`, `correct`, `erase` or `restrict`.
    kind: String,
    /// The person's id at the help desk.
    user: String,
    /// Their names.
    #[serde(default)]
    names: Vec<String>,
    /// Their e-mail addresses.
    #[serde(default)]
    emails: Vec<String>,
    /// Their telephone numbers.
    #[serde(default)]
    phones: Vec<String>,
    /// For `correct`: what is right now, as an object.
    #[schema(value_type = Option<Object>)]
    correction: Option<Value>,
    /// In how many days all must be answered. Absent: 30.
    #[schema(minimum = 1, maximum = 366)]
    days: Option<u32>,
    /// By when instead, within a year: a time, or a day.
    deadline: Option<String>,
}

impl Opening {
    /// By when all must be answered.
    fn due(&self, now: Timestamp) -> Result<Timestamp, Problem> {
        let wrong = |why: String| Problem::new(Reason::WrongBody, why);
        match (self.days, &self.deadline) {
            (Some(_), Some(_)) => Err(wrong("deadline: give it or days, and not both.".into())),
            (None, Some(text)) => moment(text)
                .ok_or_else(|| wrong("deadline: expected a time such as 2027-01-31T18:00:00Z, or a day.".into())),
            (days, None) => {
                let days = days.unwrap_or(30);
                if !(1..=LONGEST).contains(&days) {
                    return Err(wrong(format!("days: expected 1 to {LONGEST}.")));
                }
                Ok(now.plus(Duration::from_secs(u64::from(days) * 86_400)))
            }
        }
    }
}

impl Operation for Open {
    type Ports = Ports;
    type Path = Bare;
    type Query = Of;
    type Body = Sent<Opening>;
    type Answer = RequestView;

    const ABOUT: About = About::post(actions::PRIVACY_OPEN, "/privacy/requests", "Put a request of a data subject on record")
        .text(
            "Every plugin of the tenant is asked until it answers or the deadline is over. For one to erase, what the host keeps itself is erased \
             at once, and cannot be had back. Give all that the person is known by: nothing else is looked for.",
        )
        .on(On::Tenant)
        .dry_run()
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, query: &Of, _: &Sent<Opening>) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "privacy"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<RequestView>, Problem> {
        let deadline = call.body.0.due(call.now())?;
        let Opening { kind, user, names, emails, phones, correction, .. } = call.body.0.clone();
        let wrong = |why: String| Problem::new(Reason::WrongBody, why);
        let kind = PrivacyKind::ALL.into_iter().find(|one| one.name() == kind);
        let kind = kind.ok_or_else(|| wrong("kind: expected access, correct, erase or restrict.".into()))?;
        let who = Identity { user, names, emails, phones };
        if let Some(problem) = who.problem() {
            return Err(wrong(format!("what the person is known by: {problem}.")));
        }
        let asked = Asked { tenant: call.query.tenant.clone(), kind, who, correction, deadline };
        let request = ports.desk.open(asked, call.actor(), call.dry_run).await?;
        let place = format!("/privacy/requests/{}", request.id);
        let view = RequestView::of(request, call.now());
        Ok(if call.dry_run { Reply::json(view.tried()).tried() } else { Reply::json(view).found_at(place) })
    }
}
