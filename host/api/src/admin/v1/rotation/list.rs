//! `GET /rotations`: rotations, the latest first.

use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ports, RotationView, Seen};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, given::wrong, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// How many rotations one page looks through at most.
const LOOKED_AT: usize = 500;

/// Lists rotations.
pub struct List;

/// Of whom.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// Only those that reached something in this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<RotationView>;

    const ABOUT: About = About::get(actions::ROTATION_GET, "/rotations", "List rotations")
        .id("rotation.list")
        .text("The latest first. Where few of many are meant, a page can be short and yet have a next one.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "rotation"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let seen = Seen::of(&call).await?;
        let mut acts = ports.store.acts().await.map_err(|error| unavailable(&error))?;
        acts.reverse();
        if let Some(after) = call.after() {
            let at = acts.iter().position(|act| act.id.as_str() == after);
            let at = at.ok_or_else(|| wrong("cursor: it is not whole; begin anew without one."))?;
            acts.drain(..=at);
        }
        let (mut items, mut last, total) = (Vec::new(), None, acts.len());
        for (number, act) in acts.iter().enumerate().take(LOOKED_AT) {
            if items.len() == call.most() {
                return Ok(Reply::json(call.page_of(items, last)));
            }
            if let Some(lines) = seen.lines(act, ports.lines(&act.id).await?) {
                items.push(seen.told(act, RotationView::of(act, &lines)));
            }
            last = (number + 1 < total).then(|| act.id.to_string());
        }
        Ok(Reply::json(call.page_of(items, last)))
    }
}
