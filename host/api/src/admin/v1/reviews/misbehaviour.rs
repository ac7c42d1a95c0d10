//! `GET /misbehaviour`: what tenants report of releases that run, the oldest first.

use portcullis_model::{
    people::{Resource, actions},
    review::Misbehaviour,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Ports;
use crate::{
    admin::{About, Bare, Call, Nothing, Operation, Page, Reply, unavailable},
    problem::Problem,
};

/// Lists reports.
pub struct List;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// Also those that somebody looked into.
    all: Option<bool>,
}

/// A report: which release, who reports it and why, the acts that show it, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = Misbehaviour, value_type = Object)]
pub struct View(Misbehaviour);

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<View>;

    const ABOUT: About = About::get(actions::MISBEHAVIOUR_LIST, "/misbehaviour", "List reports of misbehaviour")
        .text("Those that nobody looked into, or all. Who reported is for the platform alone.")
        .paged();

    async fn resource(_: &Ports, _: &Bare, _: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("report"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let all = call.query.all.unwrap_or_default();
        let mut reports = ports.reviews.misbehaviours().await.map_err(|error| unavailable(&error))?;
        reports.retain(|one| all || one.resolved.is_none());
        call.page(reports.into_iter().map(View), |one| one.0.id.to_string()).map(Reply::json)
    }
}
