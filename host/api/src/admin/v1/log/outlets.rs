//! `GET /audit/outlets`: who is sent the log.

use portcullis_model::people::{Resource, actions};

use super::{Outlet, Ports, log};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists outlets.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<Outlet>;

    const ABOUT: About = About::get(actions::AUDIT_LIST, "/audit/outlets", "List who is sent the log as it is written")
        .id("audit.outlets")
        .text("How far each is, and what is wrong. Outlets are sections of the configuration.")
        .on(On::Host)
        .paged();

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let all = ports.upkeep.outlets().await?;
        call.page(all.into_iter(), |one| one.name.clone()).map(Reply::json)
    }
}
