//! `portcullis backend secret|rotate`

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use portcullis_broker::standard_webhooks::ring::{KeyInfo, Slot};
use portcullis_model::{audit::Kind, scope::parse_seconds};
use serde_json::json;

use super::{entry, find, set::SchemeName};
use crate::{host::Host, outbound::signing_keys, output::Output};

/// Replace the key that signs. The old one signs as well until the overlap ends.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis backend rotate chat-notifier --prepare      the next key, to hand over beforehand\n  \
    portcullis backend rotate chat-notifier                it signs; the old one too, for a day\n  \
    portcullis backend rotate chat-notifier --now          the old key is known to others: it ends at once"
)]
pub struct Rotate {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// Only make the next key and print it; it does not sign until the next 'rotate'.
    #[arg(long, conflicts_with_all = ["overlap", "now"])]
    pub prepare: bool,
    /// How long the old key signs as well: a number with s, m, h or d.
    #[arg(long, default_value = "24h", value_parser = span, value_name = "TIME")]
    pub overlap: Duration,
    /// No overlap: every older key ends at once, one that was only prepared included.
    #[arg(long, conflicts_with = "overlap")]
    pub now: bool,
    /// From now on sign in another way. As until now, if not given.
    #[arg(long)]
    pub scheme: Option<SchemeName>,
}

fn span(text: &str) -> Result<Duration, String> {
    let seconds = parse_seconds(text).filter(|seconds| *seconds > 0);
    Ok(Duration::from_secs(seconds.ok_or("expected a number with s, m, h or d, such as 24h; '--now' is no overlap")?))
}

impl Rotate {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let (installation, _) = find(host, &self.installation).await?;
        let (keys, owner) = (signing_keys(host), (installation.tenant.clone(), installation.id.clone()));
        let scheme = self.scheme.map(Into::into);
        let made = if self.prepare {
            keys.prepare(owner, scheme, entry(host, Kind::BackendPrepared, &installation)).await?
        } else {
            let overlap = if self.now { Duration::ZERO } else { self.overlap };
            keys.rotate(owner, scheme, overlap, entry(host, Kind::BackendRotated, &installation)).await?
        };
        super::super::publish(host).await?;
        let shown = String::from_utf8_lossy(made.shown.expose()).into_owned();
        let value = json!({
            "installation": installation.id, "key": shown, "generation": made.generation,
            "signs": !self.prepare, "previous-until": made.previous_until,
        });
        output.result(&value, || {
            let what = match (self.prepare, made.previous_until) {
                (true, _) => "The next key, shown this once. It does not sign yet.".to_owned(),
                (false, Some(until)) => {
                    format!(
                        "Messages are signed with this key, shown this once; with the one before it too until {until}."
                    )
                }
                (false, None) => "Messages are signed with this key alone, shown this once.".to_owned(),
            };
            format!("{what}\n  {shown}")
        })
    }
}

/// Shows what keys there are.
pub(super) async fn show(host: &Host, installation: &str, output: Output) -> Result<()> {
    let (installation, _) = find(host, installation).await?;
    let keys = signing_keys(host).describe(&(installation.tenant.clone(), installation.id.clone())).await?;
    for key in &keys {
        output.item(key, || line(key))?;
    }
    Ok(())
}

fn line(key: &KeyInfo) -> String {
    let slot = match key.slot {
        Slot::Current => "current",
        Slot::Previous => "previous",
        Slot::Pending => "pending",
    };
    let until = key.until.map_or_else(String::new, |until| format!(", signs until {until}"));
    let public = key.public.as_deref().unwrap_or("a shared secret, shown once when it was made");
    format!("{slot:9} {:8} since {}{until}\n    {public}", key.scheme.name(), key.since)
}
