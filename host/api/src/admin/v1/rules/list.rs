//! `GET /rules`: what raises an alert.

use portcullis_model::people::{Resource, actions};

use super::{Ports, RuleView};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists rules.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<RuleView>;

    const ABOUT: About = About::get(actions::RULES_LIST, "/rules", "List rules")
        .text("By their ids, as the files are now: a running host holds the log against those that it found when it started.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("rule"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let rules = ports.shown(&call).await?;
        call.page(rules.into_iter(), |rule| rule.id.clone()).map(Reply::json)
    }
}
