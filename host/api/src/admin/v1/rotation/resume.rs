//! `POST /rotations/{id}/resume`: goes on with a rotation that was cut off, or in which something failed.

use portcullis_broker::rotation::Rotator;
use portcullis_model::people::{Resource, actions};

use super::{Lines, Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Goes on.
pub struct GoOn;

impl Operation for GoOn {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Lines;

    const ABOUT: About = About::post(actions::ROTATION_START, "/rotations/{id}/resume", "Go on with a rotation")
        .id("rotation.resume")
        .text("Answers as soon as it goes on; GET /rotations/{id} shows how it gets on.")
        .on(On::Tenant)
        .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        let act = ports.act(&path.id).await?;
        ports.resource(&act.extent).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Lines>, Problem> {
        let id = call.path.id.clone();
        let work = |rotator: Rotator, begun| async move { rotator.go_on(&id, begun).await };
        let act = ports.carried_out(&call, work).await?;
        let lines = ports.lines(&act.id).await?;
        Ok(Reply::json(Lines::begun(&act, lines)))
    }
}
