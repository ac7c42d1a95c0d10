//! `GET /privacy/requests`: requests of data subjects, the newest first.

use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ports, RequestView};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// Lists requests.
pub struct List;

/// Which.
#[derive(Deserialize, IntoParams)]
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
    type Answer = Page<RequestView>;

    const ABOUT: About = About::get(actions::PRIVACY_LIST, "/privacy/requests", "List requests of data subjects")
        .text("The newest first, those that are closed too. Not whom they are about.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "privacy"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Page<RequestView>>, Problem> {
        let mut all = ports.desk.requests(call.query.tenant.clone()).await.map_err(|error| unavailable(&error))?;
        let seen = call.seen(all.iter().map(|one| one.tenant.clone())).await?;
        all.retain(|one| seen.contains(&one.tenant));
        all.reverse();
        let now = call.now();
        let Page { items, next } = call.page(all.into_iter(), |one| one.id.to_string())?;
        Ok(Reply::json(Page { items: items.into_iter().map(|one| RequestView::of(one, now)).collect(), next }))
    }
}
