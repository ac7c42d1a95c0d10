//! `GET /connections`: the connections of a tenant, or of all that whoever asks may see.

use portcullis_model::people::{Resource, actions};

use super::{Ports, View, Wanted};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, v1::within::of_tenant},
    problem::Problem,
};

/// Lists connections.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<View>;

    const ABOUT: About = About::get(actions::CONNECTIONS_LIST, "/connections", "List connections")
        .text("Whose, from which provider, where they go and how they stand: never what they are.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "connection"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let mut all = ports.views().await?;
        all.retain(|one| call.query.installation.as_ref().is_none_or(|id| one.key.installation == *id));
        let mut all = call.visible(call.query.tenant.as_ref(), all, |one| &one.key.tenant).await?;
        all.sort_by(|one, other| one.key.cmp(&other.key));
        call.page(all.into_iter().map(View), |one| one.0.key.to_string()).map(Reply::json)
    }
}
