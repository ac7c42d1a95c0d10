//! `GET /installations/{id}`: one of them, with its `ETag`.

use portcullis_model::people::{Resource, actions};

use super::{InstallationView, Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Version},
    problem::Problem,
};

/// Shows an installation.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = InstallationView;

    const ABOUT: About = About::get(actions::INSTALLATIONS_GET, "/installations/{id}", "Show an installation")
        .on(On::Installation)
        .version(Version::Shown);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<InstallationView>, Problem> {
        let found = ports.find(&call.path.id).await?;
        Ok(Reply::json(ports.shown(&found).await?).at(found.generation))
    }
}
