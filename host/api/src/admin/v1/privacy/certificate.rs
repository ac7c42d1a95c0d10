//! `POST /privacy/requests/{id}/certificate`: signs what became of a closed request.

use portcullis_model::people::{Resource, actions};

use super::{Certificate, Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Signs a certificate.
pub struct Certify;

impl Operation for Certify {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Certificate;

    const ABOUT: About =
        About::post(actions::PRIVACY_CERTIFY, "/privacy/requests/{id}/certificate", "Sign the certificate of a closed request")
            .text("A DSSE envelope: what each installation made of it, what the host erased, and which entries of the log say so.")
            .on(On::Tenant)
            .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource_of(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Certificate>, Problem> {
        Ok(Reply::json(ports.desk.certificate(&call.path.id, call.actor()).await?))
    }
}
