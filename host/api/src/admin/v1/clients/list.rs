//! `GET /clients`: the clients of a tenant's installations, or of all that whoever asks may see, in the order of their registration; revoked
//! ones, too.

use portcullis_model::people::{Resource, actions};

use super::{Ports, View};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, v1::within::Within},
    problem::Problem,
};

/// Lists clients.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Within;
    type Body = Nothing;
    type Answer = Page<View>;

    const ABOUT: About = About::get(actions::CLIENTS_LIST, "/clients", "List clients of installations")
        .text("The parts of plugins outside of the sandbox that ask this host for tokens; revoked ones, too.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Within, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("client"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let all = ports.all().await?;
        let all = call.visible(call.query.tenant.as_ref(), all, |one| &one.tenant).await?;
        call.page(all.into_iter().map(View), |one| one.0.id.to_string()).map(Reply::json)
    }
}
