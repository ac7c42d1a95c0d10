//! `POST /installations/{id}/restore`: takes an installation back that is uninstalled and not erased yet.

use portcullis_model::people::{Resource, actions};

use super::{Changed, Ports, Which, changing::Changing};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Version},
    problem::{Problem, Reason},
};

/// Takes it back.
pub struct Restore;

impl Operation for Restore {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About =
        About::post(actions::INSTALLATIONS_UNINSTALL, "/installations/{id}/restore", "Take an installation back")
            .id("installations.restore")
            .text(
                "It is suspended then: its credentials are gone, and somebody looks first. What the platform had suspended stays the \
                 platform's to resume.",
            )
            .on(On::Installation)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict, Reason::Refused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let changing = Changing::of(ports, &call, &call.path).await?;
        let after = changing.installer().restore(&call.path.id).await;
        changing.answer(after).await
    }
}
