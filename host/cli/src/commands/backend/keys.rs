//! `portcullis backend secret|rotate`

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use portcullis_model::scope::parse_seconds;
use serde_json::{Value, json};

use super::{at, find, set::SchemeName};
use crate::{host::Host, output::Output};

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
    /// Only make the next key and print it; it does not sign until the next 'rotate', which does not print it again.
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
        let found = find(host, &self.installation).await?;
        let overlap = if self.now { 0 } else { self.overlap.as_secs() };
        let body = json!({
            "prepare": self.prepare,
            "overlap-seconds": (!self.prepare).then_some(overlap),
            "scheme": self.scheme.map(SchemeName::name),
        });
        let made = found.keyboard.post(&format!("{}/key", at(&found.installation)), &body).await?;
        let (key, until) = (made["key"].as_str(), made["previous_until"].as_str());
        let value = json!({
            "installation": found.installation.id, "key": key, "signs": made["signs"], "previous-until": until,
        });
        output.result(&value, || {
            let Some(key) = key else {
                let before =
                    until.map_or_else(String::new, |until| format!("; with the one before it too until {until}"));
                return format!(
                    "Messages are signed with the key that was ready, which was shown when it was made{before}."
                );
            };
            let what = match (self.prepare, until) {
                (true, _) => "The next key, shown this once. It does not sign yet.".to_owned(),
                (false, Some(until)) => {
                    format!(
                        "Messages are signed with this key, shown this once; with the one before it too until {until}."
                    )
                }
                (false, None) => "Messages are signed with this key alone, shown this once.".to_owned(),
            };
            format!("{what}\n  {key}")
        })
    }
}

/// Shows what keys there are.
pub(super) async fn show(host: &Host, installation: &str, output: Output) -> Result<()> {
    find(host, installation).await?.keys.iter().try_for_each(|key| output.item(key, || line(key)))
}

fn line(key: &Value) -> String {
    let text = |name: &str| key[name].as_str().unwrap_or_default();
    let until = key["until"].as_str().map_or_else(String::new, |until| format!(", signs until {until}"));
    let public = key["public"].as_str().unwrap_or("a shared secret, shown once when it was made");
    format!("{:9} {:8} since {}{until}\n    {public}", text("slot"), text("scheme"), text("since"))
}
