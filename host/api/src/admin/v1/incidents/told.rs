//! `POST /incidents/{id}/told`: says that one who must know of it was told.

use portcullis_model::{
    audit::query::moment,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{IncidentView, Ports, Which, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Say that somebody was told.
pub struct Told;

/// Who was told.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Telling {
    /// Who, as the incident calls them, such as `authority`.
    who: String,
    /// Whom exactly, and how.
    #[schema(min_length = 3, max_length = 2000)]
    to: String,
    /// Of this tenant. Absent: of all that it reaches.
    tenant: Option<String>,
    /// When: a time such as `2026-12-01T09:30:00Z`. Absent: now.
    at: Option<String>,
}

impl Operation for Told {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Telling>;
    type Answer = IncidentView;

    const ABOUT: About = About::post(actions::INCIDENTS_CHANGE, "/incidents/{id}/told", "Say that somebody was told")
        .id("incidents.told")
        .on(On::Tenant)
        .refuses(&[Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Telling>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<IncidentView>, Problem> {
        let (desk, id, body) = (ports.desk_of(&call).await?, &call.path.id, &call.body.0);
        let read = |text: &String| {
            let wrong = |why: portcullis_model::id::IdError| Problem::new(Reason::WrongBody, format!("tenant: {why}."));
            text.parse().map_err(wrong)
        };
        let tenant = body.tenant.as_ref().map(read).transpose()?;
        let wrong = || Problem::new(Reason::WrongBody, "at: expected a time such as 2026-12-01T09:30:00Z.");
        let at = body.at.as_deref().map(|text| moment(text).ok_or_else(wrong)).transpose()?;
        let changed = desk.told(id, &body.who, &body.to, tenant, at).await.map_err(|error| refused(&error))?;
        Ok(Reply::json(IncidentView::new(changed, call.now())))
    }
}
