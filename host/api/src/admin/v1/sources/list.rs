//! `GET /sources`: the sources of a tenant, or of all that whoever asks may see, by name.

use std::collections::HashMap;

use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
    source::Source,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ports, SourceView};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable},
    problem::Problem,
};

/// Lists sources.
pub struct List;

/// Whose.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// Only those of this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<SourceView>;

    const ABOUT: About = About::get(actions::SOURCES_LIST, "/sources", "List sources of events")
        .text("Who sends webhooks, into which tenant, and how their secrets stand: never what they are.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(match query.tenant.clone() {
            Some(tenant) => Resource::of(tenant, "source"),
            None => Resource::of_platform("source"),
        })
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let kept = ports.sources().sources;
        let mut all = kept.sources().await.map_err(|error| unavailable(&error))?;
        all.retain(|one| call.query.tenant.as_ref().is_none_or(|tenant| one.tenant == *tenant));
        let seen = call.seen(all.iter().map(|one| one.tenant.clone())).await?;
        all.retain(|one| seen.contains(&one.tenant));
        let keys: HashMap<_, _> = kept.source_keys().await.map_err(|error| unavailable(&error))?.into_iter().collect();
        let view = |one: &Source| SourceView::of(one, keys.get(&one.name).unwrap_or(&Default::default()));
        call.page(all.iter().map(view), |one| one.name.clone()).map(Reply::json)
    }
}
