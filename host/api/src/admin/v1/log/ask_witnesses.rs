//! `POST /audit/witnesses/ask`: asks all witnesses now.

use portcullis_model::people::{Resource, actions};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Asked, Ports, log};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// The last part of its path, which no witness is called.
pub(super) const ASK: &str = "ask";

/// Asks them.
pub struct Ask;

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogWitnessesAsked)]
pub struct Round {
    /// Of each witness.
    asked: Vec<Asked>,
}

impl Operation for Ask {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Round;

    const ABOUT: About =
        About::post(actions::AUDIT_WITNESSES_CHANGE, "/audit/witnesses/ask", "Ask all witnesses to cosign the log now")
            .id("audit.witnesses.ask")
            .text("The newest published head is what they are asked to cosign. One that does not says why.")
            .on(On::Host)
            .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, _: Call<Self>) -> Result<Reply<Round>, Problem> {
        let asked = ports.upkeep.ask_witnesses().await?;
        match asked.is_empty() {
            true => Err(Problem::new(Reason::Conflict, "There is no witness; add one first.")),
            false => Ok(Reply::json(Round { asked })),
        }
    }
}
