//! `GET /authorizations`: requests for authorization that wait, of a tenant's clients or of all that whoever asks may see.

use portcullis_model::{
    oauth::Decision,
    people::{Resource, actions},
};

use super::{Ports, View};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable, v1::within::Within},
    problem::Problem,
};

/// Lists them.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Within;
    type Body = Nothing;
    type Answer = Page<View>;

    const ABOUT: About =
        About::get(actions::AUTHORIZATIONS_LIST, "/authorizations", "List requests for authorization that wait")
            .text(
                "What the back ends of plugins ask for in a browser, with each scope in words. Agree only where somebody you know started \
                 it and was shown the same code.",
            )
            .on(On::Tenants)
            .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Within, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("client"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let mut all = ports.store.pending(ports.clock.now()).await.map_err(|error| unavailable(&error))?;
        all.retain(|one| one.decision == Decision::Waiting);
        let mut all = call.visible(call.query.tenant.as_ref(), all, |one| &one.tenant).await?;
        all.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        let clients = ports.clients().await?;
        let page = call.page(all.into_iter(), |one| one.id.to_string())?;
        Ok(Reply::json(page.map(|one| ports.shown(&one, &clients))))
    }
}
