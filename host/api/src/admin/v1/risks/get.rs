//! `GET /risks/{number}`: one risk, and what became of it.

use portcullis_model::people::{Resource, actions};

use super::{Ports, RiskView, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::Problem,
};

/// Shows a risk.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = RiskView;

    const ABOUT: About =
        About::get(actions::RISKS_LIST, "/risks/{number}", "See a risk").id("risks.get").on(On::Tenant);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource_of_risk(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<RiskView>, Problem> {
        let risk = ports.risk(call.path.number).await?;
        Ok(Reply::json(ports.shown_risk(risk, call.now())))
    }
}
