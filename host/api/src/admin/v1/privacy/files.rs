//! `GET /privacy/requests/{id}/export.tar`: what is held about the person of a request for access, with the contents of files.

use axum::http::StatusCode;
use portcullis_model::people::{Resource, actions};

use super::{Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Streamed, parcel::TAR},
    problem::{Problem, Reason},
};

/// Hands over what is held, as files.
pub struct Files;

impl Operation for Files {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Streamed;

    const ABOUT: About =
        About::get(actions::PRIVACY_EXPORT, "/privacy/requests/{id}/export.tar", "Take out what is held about a person, as files")
            .id("privacy.files")
            .text(
                "For a request for access. A tar: the request, what each plugin answered, what the host keeps itself, the files of plugins \
                 that the person stands in, and the SHA-256 of each file in SHA256SUMS. That it was taken out is an entry of the log. One of \
                 a tenant is handed over at a time.",
            )
            .answers(StatusCode::OK, TAR)
            .on(On::Tenant)
            .refuses(&[Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource_of(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Streamed>, Problem> {
        let parcel = ports.desk.parcel(&call.path.id, call.actor()).await?;
        Ok(Reply::raw(parcel.answer(call.path.id.as_str())))
    }
}
