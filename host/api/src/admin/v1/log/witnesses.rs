//! `GET /audit/witnesses`: who cosigns the log.

use portcullis_model::people::{Resource, actions};

use super::{Ports, Witness, log};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists witnesses.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<Witness>;

    const ABOUT: About = About::get(actions::AUDIT_LIST, "/audit/witnesses", "List the witnesses of the log")
        .id("audit.witnesses.list")
        .text("Each with what it last cosigned, and why not more.")
        .on(On::Host)
        .paged();

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let all = ports.upkeep.witnesses().await?;
        call.page(all.into_iter(), |one| one.name.clone()).map(Reply::json)
    }
}
