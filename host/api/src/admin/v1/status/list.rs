//! `GET /status/announcements`: what the status page tells, the newest first.

use portcullis_model::people::{Resource, actions};

use super::{Ports, View, resource};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists announcements.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<View>;

    const ABOUT: About = About::get(actions::STATUS_LIST, "/status/announcements", "List what the status page tells")
        .on(On::Host)
        .paged();

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let all = ports.all().await?;
        call.page(all.iter().map(View::from), |one| one.id.clone()).map(Reply::json)
    }
}
