//! A client's keys.

use anyhow::{Result, bail};
use portcullis_broker::authz::clients;
use portcullis_model::audit::Kind;

use super::{KeyFiles, find, show};
use crate::{host::Host, output::Output};

pub(super) async fn rotate(host: &Host, client: &str, files: &KeyFiles, output: Output) -> Result<()> {
    let client = find(host, client).await?;
    let mut keys = files.read()?;
    let (Some(next), true) = (keys.pop(), keys.is_empty()) else {
        bail!("name one file with one public key, with --public-key or --jwks");
    };
    let entry = host.entry(Kind::ClientRotated, Some(client.tenant.clone()));
    let client = clients::rotate(host.store.as_ref(), client, next, host.clock.now(), entry).await?;
    show::one(&client, output)
}

pub(super) async fn drop(host: &Host, client: &str, thumbprint: &str, output: Output) -> Result<()> {
    let client = find(host, client).await?;
    let entry = host.entry(Kind::ClientRotated, Some(client.tenant.clone()));
    let client = clients::drop_key(host.store.as_ref(), client, thumbprint, entry).await?;
    show::one(&client, output)
}
