//! `GET /rotation/status`: everything that can be rotated: how old it is, how old it may get, and when it is rotated.

use portcullis_broker::rotation::{Scheduler, Status as Standing};
use portcullis_model::{
    audit::Actor,
    id::{InstallationId, TenantId},
    people::{Resource, actions},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Ports;
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// Shows what can be rotated.
pub struct Status;

/// Of which.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// Only what is in this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Only what is of this installation.
    #[param(value_type = Option<String>)]
    installation: Option<InstallationId>,
    /// Only what is older than it may be.
    overdue: Option<bool>,
}

/// Something that can be rotated: what, how old, and when it is due.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = RotationStatus, value_type = Object)]
pub struct StatusView(Value);

impl StatusView {
    fn of(one: &Standing, now: Timestamp) -> Self {
        let mut view = serde_json::to_value(one).unwrap_or_default();
        let age = one.held.issued.map(|issued| now.distance(issued).as_secs());
        view["age-seconds"] = age.into();
        view["revocable"] = one.held.nature.revocable.into();
        Self(view)
    }
}

impl Operation for Status {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<StatusView>;

    const ABOUT: About = About::get(actions::ROTATION_PLAN, "/rotation/status", "See how old credentials are")
        .id("rotation.status")
        .text("Connections, secrets of sources, keys of back ends and of clients, each with the policy that holds for it.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "rotation"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let scheduler = Scheduler::new(ports.workshop.rotator(Actor::Host, true));
        let mut all = scheduler.status().await.map_err(|error| unavailable(&error))?;
        let Wanted { tenant, installation, overdue } = &call.query;
        all.retain(|one| tenant.as_ref().is_none_or(|tenant| one.held.item.owner() == Some(tenant)));
        all.retain(|one| installation.is_none() || one.held.item.installation == *installation);
        all.retain(|one| !overdue.unwrap_or_default() || one.overdue);
        let seen = call.seen(all.iter().filter_map(|one| one.held.item.owner().cloned())).await?;
        let on_platform = call.on_platform().await?;
        all.retain(|one| one.held.item.owner().map_or(on_platform, |owner| seen.contains(owner)));
        all.sort_by(|one, other| one.held.item.cmp(&other.held.item));
        let now = call.now();
        let page = call.page(all.into_iter(), |one| one.held.item.to_string())?;
        let items = page.items.iter().map(|one| StatusView::of(one, now)).collect();
        Ok(Reply::json(Page { items, next: page.next }))
    }
}
