//! `POST /risks/{number}/approve`: from now until its day, the party answers for it.

use portcullis_model::{
    duty::Party,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::posture::{party, refused, who},
    Ports, RiskView, Which,
};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Approves a risk.
pub struct Approve;

/// For whom.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approving {
    /// For which party: only whoever holds the host itself says for whom; everybody else speaks for the subscriber.
    #[schema(value_type = Option<String>)]
    party: Option<Party>,
}

impl Operation for Approve {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Approving>;
    type Answer = RiskView;

    const ABOUT: About = About::post(actions::RISKS_APPROVE, "/risks/{number}/approve", "Approve a risk")
        .text("By another person than who proposed it, of the party that the catalogue names. It lapses by itself.")
        .on(On::Tenant)
        .refuses(&[Reason::Refused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Approving>) -> Result<Resource, Problem> {
        ports.resource_of_risk(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<RiskView>, Problem> {
        let speaks = party(&call.caller, call.resource.tenant.as_ref(), call.body.0.party, Party::Subscriber);
        let risk = ports.desk().approve(&who(&call.caller, speaks), call.path.number).await.map_err(refused)?;
        Ok(Reply::json(ports.shown_risk(risk, call.now())))
    }
}
