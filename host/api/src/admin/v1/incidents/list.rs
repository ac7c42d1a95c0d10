//! `GET /incidents`: incidents, the newest first.

use std::collections::BTreeSet;

use portcullis_model::{
    incident::State,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{IncidentView, Ports};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable},
    problem::Problem,
};

/// Lists incidents.
pub struct List;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// Also those that are closed.
    #[serde(default)]
    closed: bool,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<IncidentView>;

    const ABOUT: About = About::get(actions::INCIDENTS_LIST, "/incidents", "List incidents")
        .text(
            "The newest first, without what was noted and who was told: see each. One that reaches more than a tenant is shown to whoever may see what is the platform's.",
        )
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, _: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("incident"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let all = ports.incidents.incidents().await.map_err(|error| unavailable(&error))?;
        let tenants: BTreeSet<_> = all.iter().filter_map(|one| one.subject.tenant.clone()).collect();
        let (seen, platform) = (call.seen(tenants).await?, call.on_platform().await?);
        let (closed, now) = (call.query.closed, call.now());
        let some = all.into_iter().filter(|one| match &one.subject.tenant {
            Some(tenant) => seen.contains(tenant),
            None => platform,
        });
        let some = some.filter(|one| closed || one.state() != State::Closed);
        let page = call.page(some, |one| one.id.to_string())?;
        Ok(Reply::json(page.map(|one| IncidentView::new(one, now).brief())))
    }
}
