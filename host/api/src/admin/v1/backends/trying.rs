//! `POST /installations/{id}/backend/test`: sends a message that only tries out whether it arrives.

use axum::http::StatusCode;
use portcullis_model::{
    audit::Kind,
    people::{Resource, actions},
    webhook::Notice,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, Which, entry};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Tries one out.
pub struct Try;

/// The message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BackEndTest)]
pub struct Told {
    /// Its number: what became of it stands in the list of messages.
    delivery: i64,
}

impl Operation for Try {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Told;

    const ABOUT: About =
        About::post(actions::BACKENDS_REPLAY, "/installations/{id}/backend/test", "Try a back end out")
            .id("backends.test")
            .text("The running host sends it, as any other message.")
            .on(On::Installation)
            .answers(StatusCode::ACCEPTED, "application/json")
            .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Told>, Problem> {
        let (installation, _) = ports.both(&call).await?;
        let notice = Notice::test(installation.tenant.clone(), installation.id.clone(), call.now());
        let told = ports.outbox.tell(notice, entry(&call, Kind::BackendTested, &installation)).await;
        let advice = "The back end is disabled: set it again, which lets it go on.";
        let delivery = told.map_err(|error| unavailable(&error))?;
        let delivery = delivery.ok_or_else(|| Problem::new(Reason::Conflict, advice))?;
        Ok(Reply::json(Told { delivery }))
    }
}
