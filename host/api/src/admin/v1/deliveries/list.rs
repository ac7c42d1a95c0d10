//! `GET /deliveries`: deliveries that were put aside, or all, the newest first.

use portcullis_model::{
    id::{InstallationId, TenantId},
    people::{Resource, actions},
    queue::{DeliveryRow, DeliveryState},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{DeliveryView, Ports};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, given::wrong, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// Lists deliveries.
pub struct List;

/// Whose.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// Only those in this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Only those to this installation.
    #[param(value_type = Option<String>)]
    installation: Option<InstallationId>,
    /// Also those that wait, are under way, or were delivered.
    all: Option<bool>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<DeliveryView>;

    const ABOUT: About = About::get(actions::DELIVERIES_LIST, "/deliveries", "List deliveries")
        .text("Those that were given up, or all, the newest first. What the events hold is not shown.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "delivery"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let mut tenants = ports.tenants().await?;
        tenants.retain(|id, tenant| {
            call.query.tenant.as_ref().is_none_or(|wanted| wanted == tenant)
                && call.query.installation.as_ref().is_none_or(|wanted| wanted == id)
        });
        let seen = call.seen(tenants.values().cloned()).await?;
        tenants.retain(|_, tenant| seen.contains(tenant));
        let after = call.after().map(str::parse::<i64>).transpose();
        let after = after.map_err(|_| wrong("cursor: it is not whole; begin anew without one."))?;
        // One more than is shown says whether there is a next page.
        let state = (!call.query.all.unwrap_or_default()).then_some(DeliveryState::Dead);
        let found = ports.queue.deliveries_to(tenants.keys().cloned().collect(), state, after, call.most() + 1).await;
        let mut rows = found.map_err(|error| unavailable(&error))?;
        let more = rows.len() > call.most();
        rows.truncate(call.most());
        let next = rows.last().filter(|_| more).map(|row| row.delivery.to_string());
        let of = |row: &DeliveryRow| tenants.get(&row.installation).map(|tenant| DeliveryView::of(row, tenant));
        Ok(Reply::json(call.page_of(rows.iter().filter_map(of).collect(), next)))
    }
}
