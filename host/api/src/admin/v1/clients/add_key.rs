//! `POST /clients/{id}/keys`: adds a client's next public key.

use portcullis_broker::authz::clients;
use portcullis_model::{
    audit::Kind,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, Which, entry, refused};
use crate::{
    admin::{
        About, Bare, Call, On, Operation, Reply, Sent, Version,
        v1::{automation::key, people::pinned},
    },
    problem::{Problem, Reason},
};

/// Adds a key.
pub struct AddKey;

/// The next key.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NextClientKey)]
pub struct Next {
    /// The next public key: PEM with Ed25519 or P-256, or a JSON Web Key.
    #[schema(max_length = 4096)]
    public_key: String,
}

impl Operation for AddKey {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Next>;
    type Answer = Changed;

    const ABOUT: About = About::post(actions::CLIENTS_CHANGE, "/clients/{id}/keys", "Add a client's next public key")
        .id("clients.key.add")
        .text("With its first use it becomes the current one, and those before it have their time.")
        .on(On::Tenant)
        .dry_run()
        .version(Version::Needed)
        .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Next>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let (client, now) = (ports.live(&call.path).await?, call.now());
        pinned(call.expected, client.version)?;
        let ((next, _), version, store) = (key(&call.body.0.public_key)?, client.version, ports.store.as_ref());
        if call.dry_run {
            let client = clients::with_key(store, client, next, now).await.map_err(refused)?;
            return Ok(Reply::json(Changed { dry_run: true, client }).at(version).tried());
        }
        let told = entry(&call, Kind::ClientRotated, &client);
        let client = clients::rotate(store, client, next, now, told).await.map_err(refused)?;
        let version = client.version;
        Ok(Reply::json(Changed { dry_run: false, client }).at(version))
    }
}
