//! `DELETE /installations/{id}/backend`: takes an installation's back end away, with its keys and what waits for it.

use portcullis_model::{
    audit::Kind,
    people::{Resource, actions},
};

use super::{Changed, Ports, View, Which, changed_meanwhile, entry};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Version, unavailable, v1::people::pinned},
    problem::{Problem, Reason},
};

/// Takes one away.
pub struct Remove;

impl Operation for Remove {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About =
        About::delete(actions::BACKENDS_CHANGE, "/installations/{id}/backend", "Take an installation's back end away")
            .id("backends.remove")
            .text("Its keys and what waits for it are gone with it.")
            .on(On::Installation)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let (installation, back_end) = ports.both(&call).await?;
        pinned(call.expected, back_end.generation)?;
        let version = back_end.generation;
        if call.dry_run {
            let back_end = View::of(back_end);
            return Ok(Reply::json(Changed { dry_run: true, back_end, key: None }).at(version).tried());
        }
        let told = entry(&call, Kind::BackendRemoved, &installation);
        let removed = ports.back_ends.remove_back_end(&back_end, told).await;
        match removed.map_err(|error| unavailable(&error))? {
            true => Ok(Reply::json(Changed { dry_run: false, back_end: View::of(back_end), key: None }).at(0)),
            false => Err(changed_meanwhile()),
        }
    }
}
