//! `GET /support`: when the platform's support was let in, the latest first.

use portcullis_model::people::{Resource, actions};

use super::{Into, Ports, SupportView, refused};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists support access.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Into;
    type Body = Nothing;
    type Answer = Page<SupportView>;

    const ABOUT: About =
        About::get(actions::SUPPORT_LIST, "/support", "List when support was let in").on(On::Tenant).paged();

    async fn resource(_: &Ports, _: &Bare, query: &Into, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "support"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let found = ports.access()?.support(&call.caller, &call.query.tenant).await.map_err(refused)?;
        let now = call.now();
        call.page(found.iter().map(|one| SupportView::of(one, now)), |one| one.id.clone()).map(Reply::json)
    }
}
