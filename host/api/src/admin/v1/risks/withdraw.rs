//! `POST /risks/{number}/withdraw`: takes a risk back, proposed or accepted. Its effect ends at once.

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

/// Takes a risk back.
pub struct Withdraw;

/// Why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdrawing {
    /// Stands in the audit log.
    #[schema(min_length = 10, max_length = 500)]
    reason: String,
}

impl Operation for Withdraw {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Withdrawing>;
    type Answer = RiskView;

    const ABOUT: About = About::post(actions::RISKS_PROPOSE, "/risks/{number}/withdraw", "Take a risk back")
        .id("risks.withdraw")
        .text("Proposed or accepted; its effect ends at once. Whoever may propose one may take one back: it widens nothing.")
        .on(On::Tenant)
        .refuses(&[Reason::Refused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Withdrawing>) -> Result<Resource, Problem> {
        ports.resource_of_risk(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<RiskView>, Problem> {
        let who = who(&call.caller, party(&call.caller, call.resource.tenant.as_ref(), None, Party::Subscriber));
        let risk = ports.desk().withdraw(&who, call.path.number, &call.body.0.reason).await.map_err(refused)?;
        Ok(Reply::json(ports.shown_risk(risk, call.now())))
    }
}
