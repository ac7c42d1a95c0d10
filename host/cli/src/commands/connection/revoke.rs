//! `portcullis connection revoke`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_broker::{
    consent::Keeps,
    issue::{Issuer as _, Revoked},
};
use portcullis_model::audit::Kind;
use serde_json::json;

use super::key;
use crate::{host::Host, output::Output};

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
        let Some((origin, credential)) = Keeps::credential(&**keeps, &key).await? else {
            bail!("{} has no connection '{}'; see 'portcullis connection list'", installation.id, self.name);
        };
        let revoked = host.upstream.revoke(&origin, &credential).await;
        let upstream = match &revoked {
            Ok(Revoked::Confirmed) => "confirmed".to_owned(),
            Ok(Revoked::NotOffered) => "not offered".to_owned(),
            Err(error) => format!("failed: {error}"),
        };
        // Whatever the provider said: nothing carries it any more.
        let entry = host
            .entry(Kind::ConnectionEnded, Some(key.tenant.clone()))
            .about(format!("installation:{}", key.installation))
            .with("name", key.name.as_str())
            .with("provider", origin.provider.as_str())
            .with("upstream", upstream.as_str());
        keeps.end(&key, entry).await?;
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
