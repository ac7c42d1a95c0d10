//! `GET /tenants/{id}/certificate`: the signed certificate that a tenant was deleted.

use portcullis_model::people::{Resource, actions};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable, unknown},
    problem::{Problem, Reason},
};

/// Hands a certificate over.
pub struct Certify;

/// A certificate that a tenant was deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TenantCertificate)]
pub struct Certificate {
    /// The DSSE envelope, as text: its bytes are what the digest is of.
    envelope: String,
    /// Its SHA-256, as the log has it.
    digest: String,
    /// The key that it is signed with.
    key: String,
}

impl Operation for Certify {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Certificate;

    const ABOUT: About =
        About::get(actions::TENANTS_CERTIFY, "/tenants/{id}/certificate", "Get the certificate of a tenant's deletion")
            .text(
                "What there was, when nothing of it was left, which entries of the log say so, and what backups still hold. It is signed \
                 anew each time, and that it was handed over is on record.",
            )
            .on(On::Host)
            .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(path.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Certificate>, Problem> {
        let found = ports.deletions.deletion(&call.path.id).await.map_err(|error| unavailable(&error))?;
        let found = found.ok_or_else(|| unknown("No deletion of this tenant is on record."))?;
        if found.ended.is_none() {
            return Err(Problem::new(
                Reason::Conflict,
                "It is not deleted yet: ask again when its deletion has ended.",
            ));
        }
        let signed = ports.deletions.certify(&call.path.id, call.actor()).await?;
        Ok(Reply::json(Certificate { envelope: signed.envelope, digest: signed.digest, key: signed.key }))
    }
}
