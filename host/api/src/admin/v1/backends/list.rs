//! `GET /backends`: the back ends of a tenant's installations, or of all that whoever asks may see.

use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ports, View};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable},
    problem::Problem,
};

/// Lists back ends.
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

    const ABOUT: About = About::get(actions::BACKENDS_LIST, "/backends", "List back ends")
        .text("Where installations' signed messages go, and how the last attempts went.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(match query.tenant.clone() {
            Some(tenant) => Resource::of(tenant, "installation"),
            None => Resource::of_platform("installation"),
        })
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let mut all = ports.back_ends.back_ends().await.map_err(|error| unavailable(&error))?;
        all.retain(|one| call.query.tenant.as_ref().is_none_or(|tenant| one.tenant == *tenant));
        let seen = call.seen(all.iter().map(|one| one.tenant.clone())).await?;
        all.retain(|one| seen.contains(&one.tenant));
        all.sort_by(|one, other| one.installation.cmp(&other.installation));
        call.page(all.into_iter().map(View::of), |one| one.0.installation.to_string()).map(Reply::json)
    }
}
