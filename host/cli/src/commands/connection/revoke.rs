//! `portcullis connection revoke`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_broker::rotation::Fate;
use portcullis_model::{audit::Kind, ending::Ending};
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
        let key = key(&installation, &self.name)?;
        let endings = rotation::endings(host, person());
        let its = |ending: &Ending| ending.key == key;
        // Here first: a renewal that is under way finds that it came too late, and takes back what it got.
        let entry = host
            .entry(Kind::ConnectionEnded, Some(key.tenant.clone()))
            .about(format!("installation:{}", key.installation))
            .with("name", key.name.as_str())
            .with("upstream", "is asked next");
        let ended = endings.end(&key, entry).await?;
        let settled = endings.settle(its, false).await?;
        crate::commands::publish(host).await?;
        if ended.is_none() && settled.is_empty() {
            bail!(
                "{} has no connection '{}' that could be ended; see 'portcullis connection list'",
                installation.id,
                self.name
            );
        }
        let upstream = settled.last().map(|(_, fate)| fate.text());
        let value = json!({ "installation": installation.id, "name": self.name, "ended": true, "upstream": upstream });
        output.result(&value, || format!("Ended here.{}", rotation::told(&settled)))?;
        match settled.into_iter().find_map(|(_, fate)| match fate {
            Fate::Failed(why) | Fate::Later(why) => Some(why),
            Fate::Revoked | Fate::NotOffered => None,
        }) {
            None => Ok(()),
            Some(why) => bail!("it could not be revoked at the provider: {why}"),
        }
    }
}
