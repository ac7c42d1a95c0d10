//! `POST /clients/{id}/revoke`: revokes a client, and every token that it has.

use portcullis_broker::authz::clients;
use portcullis_model::{
    audit::Kind,
    oauth::Client,
    people::{Resource, actions},
};

use super::{Changed, Ports, Which, Why, entry, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, v1::reason},
    problem::{Problem, Reason},
};

/// Revokes a client.
pub struct Revoke;

impl Operation for Revoke {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Why>;
    type Answer = Changed;

    const ABOUT: About = About::post(actions::CLIENTS_REVOKE, "/clients/{id}/revoke", "Revoke a client")
        .text("It gets no token any more, and those that it has are good for nothing.")
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Why>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let why = reason(&call.body.0.reason)?;
        let (client, now) = (ports.live(&call.path).await?, call.now());
        if call.dry_run {
            let client = Client { revoked: Some(now), version: client.version + 1, ..client };
            return Ok(Reply::json(Changed { dry_run: true, client }).tried());
        }
        let told = entry(&call, Kind::ClientRevoked, &client);
        let changed = clients::revoke(ports.store.as_ref(), client, now, &why, told).await;
        Ok(Reply::json(Changed { dry_run: false, client: changed.map_err(refused)? }))
    }
}
