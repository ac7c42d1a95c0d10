//! `GET /sources/{name}`: one source.

use portcullis_model::people::{Resource, actions};

use super::{Ports, SourceView, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Shows a source.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = SourceView;

    const ABOUT: About = About::get(actions::SOURCES_LIST, "/sources/{name}", "See a source of events")
        .id("sources.get")
        .on(On::Tenant)
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<SourceView>, Problem> {
        let found = ports.asked(&call).await?;
        ports.view(&found).await.map(Reply::json)
    }
}
