//! `GET /sign-in/providers`: the tenants that have a provider of their own, by name.

use portcullis_model::people::{Resource, actions};

use super::{Ports, ProviderView, slot};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable},
    problem::Problem,
};

/// Lists providers.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<ProviderView>;

    const ABOUT: About = About::get(actions::ACCESS_GET, "/sign-in/providers", "List tenants' sign-in providers")
        .id("sign-in.list")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("access"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let mut all = ports.people.access()?.providers().await.map_err(|error| unavailable(&error))?;
        let seen = call.seen(all.iter().map(|(tenant, _)| tenant.clone())).await?;
        all.retain(|(tenant, _)| seen.contains(tenant));
        let mut views = Vec::new();
        for (tenant, settings) in &all {
            let has_secret = ports.has(slot(tenant, settings).as_ref()).await?;
            views.push(ports.view(tenant, settings, has_secret));
        }
        call.page(views.into_iter(), |one| one.tenant.clone()).map(Reply::json)
    }
}
