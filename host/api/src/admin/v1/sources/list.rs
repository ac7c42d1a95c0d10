//! `GET /sources`: the sources of a tenant, or of all that whoever asks may see, by name.

use std::collections::HashMap;

use portcullis_model::{
    people::{Resource, actions},
    source::Source,
};

use super::{Ports, SourceView};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable, v1::within::Within},
    problem::Problem,
};

/// Lists sources.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Within;
    type Body = Nothing;
    type Answer = Page<SourceView>;

    const ABOUT: About = About::get(actions::SOURCES_LIST, "/sources", "List sources of events")
        .text("Who sends webhooks, into which tenant, and how their secrets stand: never what they are.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Within, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("source"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let kept = ports.sources().sources;
        let all = kept.sources().await.map_err(|error| unavailable(&error))?;
        let all = call.visible(call.query.tenant.as_ref(), all, |one| &one.tenant).await?;
        let keys: HashMap<_, _> = kept.source_keys().await.map_err(|error| unavailable(&error))?.into_iter().collect();
        let view = |one: &Source| SourceView::of(one, keys.get(&one.name).unwrap_or(&Default::default()));
        call.page(all.iter().map(view), |one| one.name.clone()).map(Reply::json)
    }
}
