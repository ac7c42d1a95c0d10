//! `POST /alerts/{id}/acknowledge`: somebody looks at it.

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

/// Takes an alert up.
pub struct Acknowledge;

/// What there is to say about it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledging {
    /// Stands in the audit log, with the name of who says it.
    #[schema(min_length = 1, max_length = 500)]
    comment: Option<String>,
}

impl Operation for Acknowledge {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Acknowledging>;
    type Answer = AlertView;

    const ABOUT: About = About::post(actions::ALERTS_CHANGE, "/alerts/{id}/acknowledge", "Take an alert up")
        .id("alerts.acknowledge")
        .on(On::Tenant)
        .refuses(&[Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Acknowledging>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<AlertView>, Problem> {
        let comment = call.body.0.comment.as_deref().map(reason).transpose()?;
        let text = comment.map(|comment| ("comment", comment));
        ports.change(call.path.id, AlertChange::Acknowledge, entry(&call, Kind::AlertAcknowledged), text).await
    }
}
