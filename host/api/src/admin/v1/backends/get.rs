//! `GET /installations/{id}/backend`: an installation's back end, and how its keys stand.

use portcullis_broker::standard_webhooks::KeysError;
use portcullis_model::people::{Resource, actions};

use super::{Detail, Ports, View, Which, owner, refused};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Version},
    problem::{Problem, Reason},
};

/// Shows a back end.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Detail;

    const ABOUT: About =
        About::get(actions::BACKENDS_LIST, "/installations/{id}/backend", "See an installation's back end")
            .id("backends.get")
            .text(
                "Its version is 0 where there is none: that is what the first one is set over. Its address is shown without its query, which \
                 may hold a secret: whoever sets it anew sends the whole of it, or none to keep it.",
            )
            .on(On::Installation)
            .version(Version::Shown)
            .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Detail>, Problem> {
        let installation = ports.find(&call.path).await?;
        let back_end = ports.back_end(&installation.id).await?;
        let keys = match (&back_end, ports.keys.describe(&owner(&installation)).await) {
            (None, _) | (_, Err(KeysError::NoKey(_))) => Vec::new(),
            (_, keys) => keys.map_err(refused)?,
        };
        let version = back_end.as_ref().map_or(0, |one| one.generation);
        let back_end = back_end.map(View::of);
        Ok(Reply::json(Detail { installation: installation.id.to_string(), back_end, keys }).at(version))
    }
}
