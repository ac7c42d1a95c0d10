//! `GET /backends`: the back ends of a tenant's installations, or of all that whoever asks may see.

use portcullis_model::people::{Resource, actions};

use super::{Ports, View};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable, v1::within::Within},
    problem::Problem,
};

/// Lists back ends.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Within;
    type Body = Nothing;
    type Answer = Page<View>;

    const ABOUT: About = About::get(actions::BACKENDS_LIST, "/backends", "List back ends")
        .text("Where installations' signed messages go, and how the last attempts went.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Within, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("installation"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let all = ports.back_ends.back_ends().await.map_err(|error| unavailable(&error))?;
        let mut all = call.visible(call.query.tenant.as_ref(), all, |one| &one.tenant).await?;
        all.sort_by(|one, other| one.installation.cmp(&other.installation));
        call.page(all.into_iter().map(View::of), |one| one.0.installation.to_string()).map(Reply::json)
    }
}
