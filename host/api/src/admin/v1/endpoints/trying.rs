//! `POST /alerts/endpoints/test`: has a message posted that only tries out whether it arrives.

use axum::http::StatusCode;
use portcullis_model::{
    alert::Trial,
    people::{Resource, actions},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, Whose, entry, whose};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Tries one out.
pub struct Try;

/// The message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertEndpointTest)]
pub struct Told {
    /// Whether it waits to be posted: always.
    queued: bool,
}

impl Operation for Try {
    type Ports = Ports;
    type Path = Bare;
    type Query = Whose;
    type Body = Nothing;
    type Answer = Told;

    const ABOUT: About =
        About::post(actions::ENDPOINTS_TEST, "/alerts/endpoints/test", "Try out where alerts are posted to")
            .text(
                "The running host posts it. What became of it stands in the log, as `alert.delivery`. One at a time: while a message waits, \
                 another is refused.",
            )
            .on(On::Tenant)
            .answers(StatusCode::ACCEPTED, "application/json")
            .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, query: &Whose, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Told>, Problem> {
        let tenant = call.query.tenant.clone();
        let advice = format!(
            "There is no active endpoint for alerts of {}: set it, which lets one that was disabled go on.",
            whose(tenant.as_ref())
        );
        let queued = ports.outbox.try_endpoint(tenant, entry(&call, "tried out")).await;
        match queued.map_err(|error| unavailable(&error))? {
            Trial::Queued => Ok(Reply::json(Told { queued: true })),
            Trial::Waits => {
                let advice =
                    "A message that tries it out waits already: see what becomes of it, or set the endpoint anew.";
                Err(Problem::new(Reason::Conflict, advice))
            }
            Trial::NoEndpoint => Err(Problem::new(Reason::Conflict, advice)),
        }
    }
}
