//! `GET /alerts/endpoints`: where alerts are posted to.

use portcullis_model::people::{Resource, actions};

use super::{KIND, Ports, View};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, v1::within::Within},
    problem::Problem,
};

/// Lists endpoints.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Within;
    type Body = Nothing;
    type Answer = Page<View>;

    const ABOUT: About = About::get(actions::ENDPOINTS_LIST, "/alerts/endpoints", "List where alerts are posted to")
        .text(
            "A tenant's own, or without `tenant` all that whoever asks may see, the operator's first, which has no `tenant`. The version \
             of each is its `generation`; where there is none it is 0.",
        )
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Within, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource(KIND))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let mut all = ports.all().await?;
        if let Some(wanted) = &call.query.tenant {
            all.retain(|one| one.tenant.as_ref() == Some(wanted));
        }
        let seen = call.seen(all.iter().filter_map(|one| one.tenant.clone())).await?;
        let platform = call.on_platform().await?;
        all.retain(|one| one.tenant.as_ref().map_or(platform, |tenant| seen.contains(tenant)));
        all.sort_by(|one, other| one.tenant.cmp(&other.tenant));
        let key = |one: &View| one.0.tenant.as_ref().map_or_else(String::new, ToString::to_string);
        call.page(all.iter().map(View::of), key).map(Reply::json)
    }
}
