//! `GET /incidents/{id}`: one incident.

use portcullis_model::people::{Resource, actions};

use super::{IncidentView, Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::Problem,
};

/// Shows an incident.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = IncidentView;

    const ABOUT: About = About::get(actions::INCIDENTS_GET, "/incidents/{id}", "See an incident")
        .text("What the log has of it is asked for with GET /incidents/{id}/log.")
        .on(On::Tenant);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<IncidentView>, Problem> {
        let found = ports.find(&call.path.id).await?;
        Ok(Reply::json(IncidentView::new(found, call.now())))
    }
}
