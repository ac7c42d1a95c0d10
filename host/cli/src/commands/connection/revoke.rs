//! `portcullis connection revoke`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_broker::rotation::Fate;
use serde::Deserialize;
use serde_json::json;

use super::key;
use crate::{
    admin::{Keyboard, given, or_unknown},
    host::Host,
    output::Output,
    rotation::Settled,
};

/// End a connection.
#[derive(Debug, Args)]
pub struct Revoke {
    /// The installation: its id, or the plugin's name.
    installation: String,
    /// The connection's name.
    name: String,
    /// Why; stands in the audit log.
    #[arg(long, default_value = "ended at the terminal", hide_default_value = true)]
    reason: String,
}

/// What became of the connection.
#[derive(Deserialize)]
struct Ended {
    upstream: Option<String>,
    credentials: Vec<Settled>,
}

impl Revoke {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let installation = host.installation(&self.installation).await?;
        let key = key(&installation, &self.name)?;
        let path = format!("/connections/{}/{}/revoke", key.installation, key.name);
        let done = Keyboard::of(host)?.post(&path, &json!({ "reason": self.reason })).await;
        let done = or_unknown(done, || {
            format!(
                "{} has no connection '{}' that could be ended; see 'portcullis connection list'",
                installation.id, self.name
            )
        });
        let done: Ended = given(done?)?;
        let value =
            json!({ "installation": installation.id, "name": self.name, "ended": true, "upstream": done.upstream });
        output.result(&value, || {
            let told = done.credentials.iter().map(|one| one.line(&key.name));
            format!("Ended here.{}", told.collect::<String>())
        })?;
        let left = done.credentials.iter().map(Settled::fate).find_map(|fate| match fate {
            Fate::Failed(why) | Fate::Later(why) => Some(why),
            Fate::Revoked | Fate::NotOffered => None,
        });
        match left {
            None => Ok(()),
            Some(why) => bail!("it could not be revoked at the provider: {why}"),
        }
    }
}
