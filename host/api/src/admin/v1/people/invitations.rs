//! `GET /people/invitations`: links that can still be used.

use portcullis_model::people::{Invitation, Resource, actions};
use serde::Serialize;
use utoipa::ToSchema;

use super::{At, Ports, refused};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists invitations.
pub struct Invitations;

/// An invitation that waits. The link itself is not known to the host.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Invitation)]
pub struct InvitationView {
    /// The id.
    id: String,
    /// Whom for.
    email: String,
    /// What they are called.
    name: String,
    /// As what.
    role: String,
    /// Since when.
    #[schema(format = DateTime)]
    created: String,
    /// Until when the link is good.
    #[schema(format = DateTime)]
    expires: String,
    /// Whether it is for an account that is there already.
    known: bool,
}

impl From<Invitation> for InvitationView {
    fn from(one: Invitation) -> Self {
        Self {
            id: one.id.to_string(),
            email: one.email,
            name: one.name,
            role: one.role.to_string(),
            created: one.created.to_string(),
            expires: one.expires.to_string(),
            known: one.person.is_some(),
        }
    }
}

impl Operation for Invitations {
    type Ports = Ports;
    type Path = Bare;
    type Query = At;
    type Body = Nothing;
    type Answer = Page<InvitationView>;

    const ABOUT: About = About::get(actions::PEOPLE_LIST, "/people/invitations", "List invitations that wait")
        .id("people.invitations.list")
        .on(On::Tenant)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &At, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("person"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let found = ports.access()?.invitations(&call.caller, call.query.tenant.as_ref()).await.map_err(refused)?;
        call.page(found.into_iter().map(InvitationView::from), |one| one.id.clone()).map(Reply::json)
    }
}
