//! `POST /incidents/{id}/lift`: lets what it holds go on.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{IncidentView, Ports, Which, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Lift a containment.
pub struct Lift;

/// Why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftingIncident {
    /// Stands in the audit log.
    #[schema(min_length = 3, max_length = 2000)]
    reason: String,
}

impl Operation for Lift {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<LiftingIncident>;
    type Answer = IncidentView;

    const ABOUT: About = About::post(actions::INCIDENTS_CONTAIN, "/incidents/{id}/lift", "Lift a containment")
        .id("incidents.lift")
        .on(On::Tenant)
        .refuses(&[Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<LiftingIncident>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<IncidentView>, Problem> {
        let (desk, id, body) = (ports.desk_of(&call).await?, &call.path.id, &call.body.0);
        let changed = desk.lift(id, &body.reason).await.map_err(|error| refused(&error))?;
        Ok(Reply::json(IncidentView::new(changed, call.now())))
    }
}
