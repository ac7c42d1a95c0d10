//! `DELETE /clients/{id}/keys/{thumbprint}`: takes a client's public key away at once.

use portcullis_broker::authz::clients;
use portcullis_model::{
    audit::Kind,
    id::ClientId,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Changed, Ports, Which, entry, refused};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Version, v1::people::pinned},
    problem::{Problem, Reason},
};

/// Takes a key away.
pub struct DropKey;

/// Which.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Of {
    /// The client's id.
    #[param(value_type = String)]
    id: ClientId,
    /// The key's thumbprint (RFC 7638).
    thumbprint: String,
}

impl Of {
    fn client(&self) -> Which {
        Which { id: self.id.clone() }
    }
}

impl Operation for DropKey {
    type Ports = Ports;
    type Path = Of;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About =
        About::delete(actions::CLIENTS_CHANGE, "/clients/{id}/keys/{thumbprint}", "Take a client's public key away")
            .id("clients.key.drop")
            .text("At once, as after a theft. Tokens that were issued stay good until they end or are ended.")
            .on(On::Tenant)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Of, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(&path.client()).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let (client, thumbprint) = (ports.live(&call.path.client()).await?, &call.path.thumbprint);
        pinned(call.expected, client.version)?;
        if call.dry_run {
            let version = client.version;
            let client = clients::without_key(client, thumbprint).map_err(refused)?;
            return Ok(Reply::json(Changed { dry_run: true, client }).at(version).tried());
        }
        let told = entry(&call, Kind::ClientRotated, &client);
        let dropped = clients::drop_key(ports.store.as_ref(), client, thumbprint, told).await.map_err(refused)?;
        let version = dropped.version;
        Ok(Reply::json(Changed { dry_run: false, client: dropped }).at(version))
    }
}
