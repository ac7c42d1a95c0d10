//! `POST /alerts/endpoints/key`: replaces the key that alerts are signed with.

use std::time::Duration;

use portcullis_model::people::{Resource, actions};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, Whose, entry, none, refused};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// For how long the old key signs as well.
const OVERLAP: Duration = Duration::from_secs(24 * 3_600);

/// Replaces the key.
pub struct Rotate;

/// A key that was made, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertEndpointKey)]
pub struct Key {
    /// Whether this was a rehearsal: no key was made then.
    dry_run: bool,
    /// What signatures are checked with: nobody sees it again. Absent in a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl Operation for Rotate {
    type Ports = Ports;
    type Path = Bare;
    type Query = Whose;
    type Body = Nothing;
    type Answer = Key;

    const ABOUT: About =
        About::post(actions::ENDPOINTS_CHANGE, "/alerts/endpoints/key", "Replace the key that alerts are signed with")
            .id("endpoints.rotate")
            .text("The answer has what signatures are checked with, once. The old key signs as well for a day.")
            .on(On::Tenant)
            .dry_run()
            .once()
            .refuses(&[Reason::Conflict, Reason::OtherVersion]);

    async fn resource(_: &Ports, _: &Bare, query: &Whose, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Key>, Problem> {
        let tenant = call.query.tenant.as_ref();
        if ports.find(tenant).await?.is_none() {
            return Err(none(tenant));
        }
        if call.dry_run {
            ports.keys.rehearse(tenant, OVERLAP).await.map_err(refused)?;
            return Ok(Reply::json(Key { dry_run: true, key: None }).tried());
        }
        let made = ports.keys.make(tenant, OVERLAP, entry(&call, "key rotated")).await.map_err(refused)?;
        let key = Some(String::from_utf8_lossy(made.expose()).into_owned());
        Ok(Reply::json(Key { dry_run: false, key }))
    }
}
