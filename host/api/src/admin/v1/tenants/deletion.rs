//! `GET /tenants/{id}/deletion`: how the deletion of a tenant stands.

use portcullis_model::people::{Resource, actions};

use super::{DeletionView, Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable, unknown},
    problem::{Problem, Reason},
};

/// Shows a deletion.
pub struct Shown;

impl Operation for Shown {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = DeletionView;

    const ABOUT: About =
        About::get(actions::TENANTS_LIST, "/tenants/{id}/deletion", "See how the deletion of a tenant stands")
            .id("tenants.deletion")
            .on(On::Host)
            .refuses(&[Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(path.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<DeletionView>, Problem> {
        let found = ports.deletions.deletion(&call.path.id).await.map_err(|error| unavailable(&error))?;
        let found = found.ok_or_else(|| unknown("No deletion of this tenant is on record."))?;
        Ok(Reply::json(DeletionView::of(&call.path.id, found)))
    }
}
