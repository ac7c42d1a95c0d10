//! `POST /alerts/{id}/close`: it is done with.

use portcullis_model::{
    alert::AlertChange,
    audit::Kind,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AlertView, Ports, Which, entry};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, v1::reason},
    problem::{Problem, Reason},
};

/// Closes an alert.
pub struct Close;

/// Why it is closed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// Stands in the audit log, with the name of who says it.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

impl Operation for Close {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Closing>;
    type Answer = AlertView;

    const ABOUT: About = About::post(actions::ALERTS_CHANGE, "/alerts/{id}/close", "Close an alert")
        .id("alerts.close")
        .on(On::Tenant)
        .refuses(&[Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Closing>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<AlertView>, Problem> {
        let text = ("reason", reason(&call.body.0.reason)?);
        ports.change(call.path.id, AlertChange::Close, entry(&call, Kind::AlertClosed), Some(text)).await
    }
}
