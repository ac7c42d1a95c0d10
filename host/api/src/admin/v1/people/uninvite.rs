//! `DELETE /people/invitations/{id}`: takes a link back.

use portcullis_model::{
    id::InvitationId,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{At, Ports, refused};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Takes an invitation back.
pub struct Uninvite;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Link {
    /// The invitation's id.
    #[param(value_type = String)]
    id: InvitationId,
}

/// An invitation that leads nowhere any more.
#[derive(Debug, Serialize, ToSchema)]
pub struct Uninvited {
    /// Which.
    id: String,
}

impl Operation for Uninvite {
    type Ports = Ports;
    type Path = Link;
    type Query = At;
    type Body = Nothing;
    type Answer = Uninvited;

    const ABOUT: About = About::delete(actions::PEOPLE_INVITE, "/people/invitations/{id}", "Take an invitation back")
        .id("people.uninvite")
        .on(On::Tenant)
        .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(_: &Ports, path: &Link, query: &At, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("invitation").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Uninvited>, Problem> {
        let (place, id) = (call.query.tenant.as_ref(), &call.path.id);
        ports.access()?.uninvite(&call.caller, place, id).await.map_err(refused)?;
        Ok(Reply::json(Uninvited { id: id.to_string() }))
    }
}
