//! `GET /connections/{installation}/{name}`: one connection, and the rotations that it was in.

use portcullis_model::{
    id::RotationId,
    people::{Resource, actions},
    rotation::Item,
};

use super::{Detail, Ports, Turned, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, given::wrong, unavailable},
    problem::{Problem, Reason},
};

/// Shows a connection.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Detail;

    const ABOUT: About =
        About::get(actions::CONNECTIONS_LIST, "/connections/{installation}/{name}", "See a connection")
            .id("connections.get")
            .text("The rotations that it was in are in pages, the latest first.")
            .on(On::Tenant)
            .paged()
            .refuses(&[Reason::Unknown]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Detail>, Problem> {
        let connection = ports.find(&call.path).await?;
        let item = Item::connection(connection.key.clone());
        let after = call.after().map(str::parse::<RotationId>).transpose();
        let after = after.map_err(|_| wrong("cursor: it is not whole; begin anew without one."))?;
        // One more than is shown says whether there is a next page.
        let found = ports.rotations.turned(&item, after.as_ref(), call.most() + 1).await;
        let mut found = found.map_err(|error| unavailable(&error))?;
        let more = found.len() > call.most();
        found.truncate(call.most());
        let next = found.last().filter(|_| more).map(|(act, _)| act.id.to_string());
        let Page { items, next } = call.page_of(found.into_iter().map(Turned::from).collect(), next);
        Ok(Reply::json(Detail { connection, rotations: items, next }))
    }
}
