//! `GET /vault`: keys and secrets by number and state.

use portcullis_broker::vault::rotate::VaultStatus;
use portcullis_model::people::{Resource, actions};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, resource};
use crate::{
    admin::{About, Bare, Call, Nothing, Operation, Reply, unavailable},
    problem::Problem,
};

/// Shows how the stored secrets stand.
pub struct Get;

/// The key-encryption keys, the current one first; of each tenant how many secrets each data key seals, and how many stand how; and what
/// does not open.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = VaultStatus, value_type = Object)]
pub struct View(VaultStatus);

impl Operation for Get {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = View;

    const ABOUT: About = About::get(actions::VAULT_GET, "/vault", "See how the stored secrets stand")
        .text("By number and state: no key and no secret is in the answer. Each is opened to say so.");

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(resource())
    }

    async fn handle(ports: &Ports, _: Call<Self>) -> Result<Reply<View>, Problem> {
        let status = ports.vault.status().await.map_err(|error| unavailable(&error))?;
        Ok(Reply::json(View(status)))
    }
}
