//! `GET /audit/checkpoint`: the newest signed head of the log, or of a view.

use portcullis_model::people::{Resource, actions};

use super::{Head, Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Shows the newest head.
pub struct Newest;

impl Operation for Newest {
    type Ports = Ports;
    type Path = Bare;
    type Query = Which;
    type Body = Nothing;
    type Answer = Head;

    const ABOUT: About =
        About::get(actions::AUDIT_LIST, "/audit/checkpoint", "See the newest signed head of the log, or of a view")
            .id("audit.checkpoint")
            .text("What to keep elsewhere: the log must always contain what an older head stands for.")
            .on(On::Tenant)
            .refuses(&[Reason::Unknown]);

    async fn resource(_: &Ports, _: &Bare, which: &Which, _: &Nothing) -> Result<Resource, Problem> {
        Ok(which.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Head>, Problem> {
        Ok(Reply::json(ports.proofs.head(&call.query.part()?).await?))
    }
}
