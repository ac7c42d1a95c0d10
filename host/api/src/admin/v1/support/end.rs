//! `POST /support/{id}/end`: ends support access before its time.

use portcullis_model::{
    id::SupportId,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Into, Ports, refused};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Ends support access.
pub struct End;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// Its id.
    #[param(value_type = String)]
    id: SupportId,
}

/// Support access that has ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SupportEnded)]
pub struct Ended {
    /// Which.
    id: String,
}

impl Operation for End {
    type Ports = Ports;
    type Path = Which;
    type Query = Into;
    type Body = Nothing;
    type Answer = Ended;

    const ABOUT: About = About::post(actions::SUPPORT_END, "/support/{id}/end", "End support access")
        .text("In force with the next request of whoever was let in.")
        .on(On::Tenant)
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &Into, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "support").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Ended>, Problem> {
        let (tenant, id) = (&call.query.tenant, &call.path.id);
        ports.access()?.end_support(&call.caller, tenant, id).await.map_err(refused)?;
        Ok(Reply::json(Ended { id: id.to_string() }))
    }
}
