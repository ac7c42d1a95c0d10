//! `GET /attestations`: what was said, the newest of each duty, tenant and party.

use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{AttestationView, Ports};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// Lists attestations.
pub struct List;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// Only what counts in this tenant: its own, and what was said for the whole host.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<AttestationView>;

    const ABOUT: About = About::get(actions::ATTESTATIONS_LIST, "/attestations", "List what was attested")
        .text("The newest of each duty, tenant and party. What was said for the whole host is seen by every tenant.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "attestation"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let mut all = ports.duties.duty_state().await.map_err(|error| unavailable(&error))?.attestations;
        let meant = |tenant: &TenantId| call.query.tenant.as_ref().is_none_or(|wanted| wanted == tenant);
        all.retain(|said| said.tenant.as_ref().is_none_or(meant));
        let seen = call.seen(all.iter().filter_map(|said| said.tenant.clone())).await?;
        all.retain(|said| said.tenant.as_ref().is_none_or(|tenant| seen.contains(tenant)));
        all.sort_by_key(|said| std::cmp::Reverse(said.number));
        let now = call.now();
        let page = call.page(all.into_iter(), |said| said.number.to_string())?;
        let items = page.items.into_iter().map(|said| AttestationView::of(said, now)).collect();
        Ok(Reply::json(Page { items, next: page.next }))
    }
}
