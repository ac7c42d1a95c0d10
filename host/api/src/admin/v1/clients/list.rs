//! `GET /clients`: the clients of a tenant's installations, or of all that whoever asks may see, in the order of their registration; revoked
//! ones, too.

use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ports, View};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists clients.
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

    const ABOUT: About = About::get(actions::CLIENTS_LIST, "/clients", "List clients of installations")
        .text("The parts of plugins outside of the sandbox that ask this host for tokens; revoked ones, too.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(match query.tenant.clone() {
            Some(tenant) => Resource::of(tenant, "client"),
            None => Resource::of_platform("client"),
        })
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let mut all = ports.all().await?;
        all.retain(|one| call.query.tenant.as_ref().is_none_or(|tenant| one.tenant == *tenant));
        let seen = call.seen(all.iter().map(|one| one.tenant.clone())).await?;
        all.retain(|one| seen.contains(&one.tenant));
        call.page(all.into_iter().map(View), |one| one.0.id.to_string()).map(Reply::json)
    }
}
