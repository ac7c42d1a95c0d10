//! `DELETE /alerts/endpoints`: has alerts posted nowhere any more.

use portcullis_broker::standard_webhooks::alerts::AlertKeys;
use portcullis_model::people::{Resource, actions};

use super::{Changed, Ports, View, Whose, changed_meanwhile, entry, none, refused};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Version, unavailable, v1::people::pinned},
    problem::{Problem, Reason},
};

/// Takes one away.
pub struct Remove;

impl Operation for Remove {
    type Ports = Ports;
    type Path = Bare;
    type Query = Whose;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About =
        About::delete(actions::ENDPOINTS_CHANGE, "/alerts/endpoints", "Have alerts posted nowhere any more")
            .id("endpoints.remove")
            .text("Its keys and what waits for it are gone with it. Alerts are raised and shown as before.")
            .on(On::Tenant)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, query: &Whose, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let tenant = call.query.tenant.as_ref();
        let endpoint = ports.find(tenant).await?.ok_or_else(|| none(tenant))?;
        pinned(call.expected, endpoint.generation)?;
        let changed = Changed { dry_run: call.dry_run, endpoint: View::of(&endpoint), key: None };
        if call.dry_run {
            return Ok(Reply::json(changed).at(endpoint.generation).tried());
        }
        let keys = AlertKeys::place(tenant).map_err(refused)?;
        let removed = ports.outbox.remove_endpoint(&endpoint, keys, entry(&call, "removed")).await;
        match removed.map_err(|error| unavailable(&error))? {
            true => Ok(Reply::json(changed).at(0)),
            false => Err(changed_meanwhile()),
        }
    }
}
