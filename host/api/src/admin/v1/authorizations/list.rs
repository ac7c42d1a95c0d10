//! `GET /authorizations`: requests for authorization that wait, of a tenant's clients or of all that whoever asks may see.

use portcullis_model::{
    id::TenantId,
    oauth::Decision,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ports, View};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable},
    problem::Problem,
};

/// Lists them.
pub struct List;

/// Whose.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// Only those in this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
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

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(match query.tenant.clone() {
            Some(tenant) => Resource::of(tenant, "client"),
            None => Resource::of_platform("client"),
        })
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let mut all = ports.store.pending(ports.clock.now()).await.map_err(|error| unavailable(&error))?;
        all.retain(|one| one.decision == Decision::Waiting);
        all.retain(|one| call.query.tenant.as_ref().is_none_or(|tenant| one.tenant == *tenant));
        let seen = call.seen(all.iter().map(|one| one.tenant.clone())).await?;
        all.retain(|one| seen.contains(&one.tenant));
        all.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        let clients = ports.clients().await?;
        let page = call.page(all.into_iter(), |one| one.id.to_string())?;
        Ok(Reply::json(page.map(|one| ports.shown(&one, &clients))))
    }
}
