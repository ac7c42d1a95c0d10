//! `portcullis connection revoke`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_broker::{consent::Keeps, issue::Revoked, rotation::Credentials as _};
use portcullis_model::{
    audit::{Kind, Recorder as _},
    rotation::Item,
};
use serde_json::json;

use super::key;
use crate::{
    host::{Host, person},
    output::Output,
    rotation,
};

/// End a connection.
#[derive(Debug, Args)]
pub struct Revoke {
    /// The installation: its id, or the plugin's name.
    installation: String,
    /// The connection's name.
    name: String,
}

impl Revoke {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let installation = host.installation(&self.installation).await?;
        let (key, keeps) = (key(&installation, &self.name)?, &host.connections);
        let Some((generation, origin, _)) = keeps.credential(&key).await? else {
            bail!("{} has no connection '{}'; see 'portcullis connection list'", installation.id, self.name);
        };
        // Here first: a renewal that is under way finds that it came too late, and takes back what it got.
        let entry = |host: &Host| {
            host.entry(Kind::ConnectionEnded, Some(key.tenant.clone()))
                .about(format!("installation:{}", key.installation))
                .with("name", key.name.as_str())
                .with("provider", origin.provider.as_str())
        };
        Keeps::end(&**keeps, &key, entry(host).with("upstream", "is asked next")).await?;
        let item = Item::connection(key.clone());
        let revoked = rotation::upstreams(host, person()).revoke_now(&item, generation, false).await;
        let upstream = match &revoked {
            Ok(Revoked::Confirmed) => "confirmed".to_owned(),
            Ok(Revoked::NotOffered) => "not offered".to_owned(),
            Err(error) => format!("failed: {error}"),
        };
        host.store.record(vec![entry(host).with("upstream", upstream.as_str())]).await?;
        crate::commands::publish(host).await?;
        let value = json!({ "installation": installation.id, "name": self.name, "ended": true, "upstream": upstream });
        output.result(&value, || match &revoked {
            Ok(Revoked::Confirmed) => "Ended here, and revoked at the provider.".to_owned(),
            Ok(Revoked::NotOffered) => {
                "Ended here. The provider offers no revocation: the token lives until it ends or somebody revokes it there.".to_owned()
            }
            Err(_) => "Ended here. At the provider it may still be good; revoke it there by hand.".to_owned(),
        })?;
        match revoked {
            Ok(_) => Ok(()),
            Err(error) => bail!("it could not be revoked at the provider: {error}"),
        }
    }
}
