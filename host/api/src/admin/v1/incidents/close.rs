//! `POST /incidents/{id}/close`: closes it, with its cause and what prevents another.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{IncidentView, Ports, Which, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Close an incident.
pub struct Close;

/// How it ended.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosingIncident {
    /// What the cause was.
    #[schema(min_length = 10, max_length = 2000)]
    cause: String,
    /// What prevents another.
    #[schema(min_length = 10, max_length = 2000)]
    prevention: String,
    /// Why those who were not told need not be.
    untold: Option<String>,
}

impl Operation for Close {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<ClosingIncident>;
    type Answer = IncidentView;

    const ABOUT: About = About::post(actions::INCIDENTS_CHANGE, "/incidents/{id}/close", "Close an incident")
        .id("incidents.close")
        .on(On::Tenant)
        .refuses(&[Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<ClosingIncident>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<IncidentView>, Problem> {
        let (desk, id, body) = (ports.desk_of(&call).await?, &call.path.id, &call.body.0);
        let changed = desk
            .close(id, &body.cause, &body.prevention, body.untold.as_deref())
            .await
            .map_err(|error| refused(&error))?;
        Ok(Reply::json(IncidentView::new(changed, call.now())))
    }
}
