//! `GET /installations/{id}/backend/messages`: what was sent to a back end, the newest first.

use portcullis_model::{
    audit::plain,
    people::{Resource, actions},
    queue::{DeliveryRow, DeliveryState},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable},
    problem::{Problem, Reason},
};

/// The most that are looked through.
const MOST: usize = 1_000;

/// Lists messages.
pub struct Messages;

/// A message to a back end. What it holds is not shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BackEndMessage)]
pub struct Message {
    /// Its number.
    delivery: i64,
    /// The id under which the back end gets it.
    event: String,
    /// Its type.
    kind: String,
    /// How far it got.
    #[schema(value_type = String)]
    state: DeliveryState,
    /// Tries so far.
    attempts: u32,
    /// What went wrong last.
    error: Option<String>,
}

impl From<DeliveryRow> for Message {
    fn from(row: DeliveryRow) -> Self {
        Self {
            delivery: row.delivery,
            event: plain(&row.event),
            kind: plain(&row.kind),
            state: row.state,
            attempts: row.attempts,
            error: row.error.as_deref().map(plain),
        }
    }
}

impl Operation for Messages {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<Message>;

    const ABOUT: About =
        About::get(actions::BACKENDS_LIST, "/installations/{id}/backend/messages", "List messages to a back end")
            .id("backends.messages")
            .text("The newest 1,000, the newest first.")
            .on(On::Installation)
            .paged()
            .refuses(&[Reason::Unknown]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let rows = ports.outbox.sendings(&call.path.id, MOST).await.map_err(|error| unavailable(&error))?;
        call.page(rows.into_iter().map(Message::from), |one| one.delivery.to_string()).map(Reply::json)
    }
}
