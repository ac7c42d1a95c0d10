//! `POST /rotations/{id}/report`: the whole report of a rotation, signed by the host.

use portcullis_broker::rotation::Report;
use portcullis_model::people::{Resource, actions};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Signs a report.
pub struct SignReport;

/// A report with its proof.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedRotationReport)]
pub struct Signed {
    /// The envelope (DSSE) with an in-toto statement: what `portcullis rotate verify` checks, offline.
    envelope: String,
    /// The digest of its bytes, which stands in the audit log.
    digest: String,
    /// The key that signed it, which stands there too.
    key: String,
}

impl Operation for SignReport {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Signed;

    const ABOUT: About =
        About::post(actions::ROTATION_GET, "/rotations/{id}/report", "Take a rotation's signed report")
            .id("rotation.report")
            .text("Each time its digest is written into the audit log. A report of several tenants is the platform's.")
            .on(On::Tenant)
            .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        let act = ports.act(&path.id).await?;
        ports.resource(&act.extent).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Signed>, Problem> {
        let act = ports.act(&call.path.id).await?;
        if act.ended.is_none() {
            return Err(Problem::new(
                Reason::Conflict,
                "It has not ended: POST /admin/v1/rotations/{id}/resume goes on with it.",
            ));
        }
        let report = Report::new(act, ports.lines(&call.path.id).await?);
        let signed = ports.workshop.sign(&report, call.actor()).await.map_err(|error| unavailable(&error))?;
        Ok(Reply::json(Signed { envelope: signed.envelope, digest: signed.digest, key: signed.key }))
    }
}
