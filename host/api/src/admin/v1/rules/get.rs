//! `GET /rules/{id}`: one rule.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ports, RuleView};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unknown},
    problem::{Problem, Reason},
};

/// Shows a rule.
pub struct Get;

/// Which rule.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// Its id, such as `new-destination`.
    id: String,
}

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = RuleView;

    const ABOUT: About = About::get(actions::RULES_LIST, "/rules/{id}", "Show a rule")
        .id("rules.get")
        .on(On::Tenants)
        .refuses(&[Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("rule").named(path.id.as_str()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<RuleView>, Problem> {
        let found = ports.shown(&call).await?.into_iter().find(|rule| rule.id == call.path.id);
        found.map(Reply::json).ok_or_else(|| unknown("There is no rule with this id; see GET /admin/v1/rules."))
    }
}
