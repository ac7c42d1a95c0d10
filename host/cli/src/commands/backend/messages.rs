//! `portcullis backend list|replay|test`

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::{
    audit::Kind,
    id::InstallationId,
    queue::{DeliveryRow, DeliveryState},
    scope::parse_seconds,
    time::Timestamp,
    webhook::{BackEnds as _, Notice, Outbox as _, Replay as Which},
};
use serde_json::json;

use super::{entry, find, standing};
use crate::{host::Host, output::Output};

/// How long the running host is given to send a message that only tries out whether it arrives.
const PATIENCE: Duration = Duration::from_secs(40);

/// List the back ends, or what was sent to one of them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis backend list\n  portcullis backend list chat-notifier -n 20")]
pub struct List {
    /// The newest messages of this installation: its id, or the plugin's name.
    pub installation: Option<String>,
    /// How many.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub lines: usize,
}

/// Send messages again that were given up.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis backend replay chat-notifier\n  portcullis backend replay chat-notifier --since 2h\n  \
    portcullis backend replay chat-notifier --delivery 1042\n\n\
    A message has the same id as before, so that a back end which did take it knows it again."
)]
pub struct Replay {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// Only about what happened so long ago at most: a number with s, m, h or d. All that were given up, if not given.
    #[arg(long, value_parser = span, value_name = "TIME")]
    pub since: Option<Duration>,
    /// Only this one, even if it was accepted: its number in 'portcullis backend list <installation>'.
    #[arg(long, conflicts_with = "since", value_name = "NUMBER")]
    pub delivery: Option<i64>,
}

/// Send a message that only tries out whether it arrives.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis backend test chat-notifier\n\nThe running host sends it, as any other message."
)]
pub struct Test {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
}

fn span(text: &str) -> Result<Duration, String> {
    let seconds = parse_seconds(text).ok_or("expected a number with s, m, h or d, such as 2h")?;
    Ok(Duration::from_secs(seconds))
}

impl List {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let Some(installation) = &self.installation else {
            for one in host.store.back_ends().await? {
                output
                    .item(&one, || format!("{} {}  {}  {}", one.tenant, one.installation, one.url, standing(&one)))?;
            }
            return Ok(());
        };
        let installation = host.installation(installation).await?;
        let mut rows = host.store.sendings(&installation.id, self.lines).await?;
        rows.reverse();
        for row in &rows {
            output.item(row, || line(row))?;
        }
        Ok(())
    }
}

fn line(row: &DeliveryRow) -> String {
    let error = row.error.as_deref().unwrap_or_default();
    format!("{:>7} {:36} {:40} {:?} tries {} {error}", row.delivery, row.event, row.kind, row.state, row.attempts)
}

impl Replay {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let (installation, one) = find(host, &self.installation).await?;
        if !one.is_active() {
            bail!("the back end is {}; 'portcullis backend set' lets it go on", standing(&one));
        }
        let since = self.since.map_or(i64::MIN, |since| {
            let since = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            host.clock.now().0.saturating_sub(since)
        });
        // The first moment that there is a text for.
        let which = self.delivery.map_or(Which::Since(Timestamp(since.max(-62_167_219_200_000))), Which::One);
        let entry = entry(host, Kind::BackendReplayed, &installation);
        let count = host.store.replay(&installation.id, which, entry).await?;
        super::super::publish(host).await?;
        if let (0, Some(number)) = (count, self.delivery) {
            bail!("{} has no finished message {number}; see 'portcullis backend list {0}'", installation.id);
        }
        output.result(&json!({ "replayed": count }), || format!("{count} messages are sent again."))
    }
}

impl Test {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let (installation, one) = find(host, &self.installation).await?;
        let notice = Notice::test(installation.tenant.clone(), installation.id.clone(), host.clock.now());
        let told = host.store.tell(notice, entry(host, Kind::BackendTested, &installation)).await?;
        super::super::publish(host).await?;
        let Some(delivery) = told else { bail!("the back end is {}", standing(&one)) };
        if host.home.try_lock()?.is_some() {
            return output.result(&json!({ "delivery": delivery, "state": "pending" }), || {
                format!("No host is running; message {delivery} goes to {} when one does.", one.url)
            });
        }
        let Some(row) = outcome(host, &installation.id, delivery).await? else {
            bail!("message {delivery} was not sent within {} s; is it in the line behind others?", PATIENCE.as_secs());
        };
        match row.state {
            DeliveryState::Done => output.result(&row, || format!("{} accepted message {delivery}.", one.url)),
            _ => bail!("{} did not accept message {delivery}: {}", one.url, row.error.unwrap_or_default()),
        }
    }
}

/// What became of a message at its first try.
async fn outcome(host: &Host, of: &InstallationId, delivery: i64) -> Result<Option<DeliveryRow>> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let rows = host.store.sendings(of, 100).await?;
        let row = rows.into_iter().find(|row| row.delivery == delivery);
        let tried = |row: &DeliveryRow| row.state != DeliveryState::Leased && row.attempts > 0;
        if let Some(row) = row.filter(tried) {
            return Ok(Some(row));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(None)
}
