//! `GET /clients/{id}`: one client, its keys and where they stand.

use portcullis_model::people::{Resource, actions};

use super::{Ports, View, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Version},
    problem::{Problem, Reason},
};

/// Shows a client.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = View;

    const ABOUT: About = About::get(actions::CLIENTS_LIST, "/clients/{id}", "See a client of an installation")
        .id("clients.get")
        .on(On::Tenant)
        .version(Version::Shown)
        .refuses(&[Reason::Unknown]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<View>, Problem> {
        let found = ports.find(&call.path).await?;
        let version = found.version;
        Ok(Reply::json(View(found)).at(version))
    }
}
