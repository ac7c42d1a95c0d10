//! `GET /tenants/{id}/export`: all that is a tenant's own, as one file.

use axum::http::StatusCode;
use portcullis_model::people::{Resource, actions};

use super::{Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Streamed, parcel::TAR},
    problem::{Problem, Reason},
};

/// Hands a tenant's own over.
pub struct Export;

impl Operation for Export {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Streamed;

    const ABOUT: About = About::get(actions::TENANTS_EXPORT, "/tenants/{id}/export", "Take out all that is a tenant's own")
        .text(
            "A tar: its section of the configuration, installations with what they stored, records, people, and its part of the audit log \
             with proofs, with the SHA-256 of each file in SHA256SUMS. No secret is in it; personal values are. That it was taken out is on \
             record with its digest, which `Repr-Digest` has. One is handed over at a time.",
        )
        .answers(StatusCode::OK, TAR)
        .on(On::Tenant)
        .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        // The tenant's own to take along, not only the platform's.
        Ok(Resource::of(path.id.clone(), "tenant").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Streamed>, Problem> {
        let parcel = ports.exports.export(&call.path.id, call.actor()).await?;
        Ok(Reply::raw(parcel.answer(call.path.id.as_str())))
    }
}
