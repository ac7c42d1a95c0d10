//! `GET /freezes`: what is frozen, the oldest first.

use std::collections::BTreeSet;

use portcullis_model::people::{Resource, actions};

use super::{FreezeView, Ports};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable},
    problem::Problem,
};

/// Lists freezes.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<FreezeView>;

    const ABOUT: About = About::get(actions::FREEZES_LIST, "/freezes", "List freezes")
        .text("Those that reach all tenants are shown to whoever may list any: they hold for their tenant, too.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("freeze"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let state = ports.freezes.freezes().await.map_err(|error| unavailable(&error))?;
        let mut all = Vec::new();
        for freeze in &state.freezes {
            all.push((freeze, ports.whose(&freeze.extent).await?));
        }
        let tenants: BTreeSet<_> = all.iter().filter_map(|(_, whose)| whose.clone()).collect();
        let seen = call.seen(tenants).await?;
        let some = all.into_iter().filter(|(_, whose)| whose.as_ref().is_none_or(|tenant| seen.contains(tenant)));
        let page = call.page(some, |(freeze, _)| freeze.number.to_string())?;
        let platform = call.on_platform().await?;
        Ok(Reply::json(page.map(|(freeze, whose)| match whose {
            None if !platform => FreezeView::within(freeze, &state).without_words(),
            _ => FreezeView::within(freeze, &state),
        })))
    }
}
