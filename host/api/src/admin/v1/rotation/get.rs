//! `GET /rotations/{id}`: one rotation, line by line: its report.

use portcullis_model::people::{Resource, actions};

use super::{Lines, Ports, RotationView, Seen, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unknown},
    problem::{Problem, Reason},
};

/// Shows a rotation.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Lines;

    const ABOUT: About = About::get(actions::ROTATION_GET, "/rotations/{id}", "See a rotation")
        .text("Of a rotation that reached several tenants, whoever asks sees the lines of those that they may see.")
        .on(On::Tenants)
        .paged()
        .refuses(&[Reason::Unknown]);

    async fn resource(_: &Ports, _: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("rotation"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Lines>, Problem> {
        let (act, seen) = (ports.act(&call.path.id).await?, Seen::of(&call).await?);
        let hidden = || unknown("There is no rotation with this id; see GET /admin/v1/rotations.");
        let lines = seen.lines(&act, ports.lines(&act.id).await?).ok_or_else(hidden)?;
        let view = RotationView { cut_off: ports.cut_off.why(&act), ..RotationView::of(&act, &lines) };
        let rotation = seen.told(&act, view);
        let Page { items, next } = call.page(lines.into_iter(), |line| line.item.to_string())?;
        Ok(Reply::json(Lines { rotation, lines: items, next, measured: None }))
    }
}
