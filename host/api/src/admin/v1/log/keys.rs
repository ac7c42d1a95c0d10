//! `GET /audit/key`: the log's public key.

use portcullis_model::people::{Resource, actions};

use super::{Keys, Ports, log};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::Problem,
};

/// Shows the key.
pub struct Show;

impl Operation for Show {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Keys;

    const ABOUT: About =
        About::get(actions::AUDIT_LIST, "/audit/key", "See the public key that the log is signed with")
            .id("audit.key")
            .text("With those before it, and until when the last of them signs as well. Keep a copy elsewhere.")
            .on(On::Tenants);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, _: Call<Self>) -> Result<Reply<Keys>, Problem> {
        Ok(Reply::json(ports.proofs.keys().await?))
    }
}
