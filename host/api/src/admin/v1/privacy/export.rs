//! `GET /privacy/requests/{id}/export`: what is held about the person of a request for access.

use portcullis_model::people::{Resource, actions};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Hands over what is held.
pub struct Export;

/// What is held about a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PrivacyExport)]
pub struct Held {
    /// What each plugin answered, by installation; what the host keeps itself, by sort; and the files of plugins that it found, by name.
    #[schema(value_type = Object)]
    held: Value,
}

impl Operation for Export {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Held;

    const ABOUT: About =
        About::get(actions::PRIVACY_EXPORT, "/privacy/requests/{id}/export", "Take out what is held about a person")
            .text("For a request for access. That it was taken out is an entry of the log. With the contents of files it is a tar, at export.tar.")
            .on(On::Tenant)
            .refuses(&[Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource_of(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Held>, Problem> {
        Ok(Reply::json(Held { held: ports.desk.export(&call.path.id, call.actor()).await? }))
    }
}
