//! `portcullis backend list|replay|test`

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use portcullis_api::admin::Method;
use portcullis_model::{queue::DeliveryState, scope::parse_seconds, time::Timestamp, webhook::BackEnd};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Found, at, find, standing};
use crate::{
    admin::{Keyboard, asked, given},
    host::Host,
    output::Output,
};

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

/// A message, as the API has it.
#[derive(Debug, Serialize, Deserialize)]
struct Message {
    delivery: i64,
    event: String,
    kind: String,
    state: DeliveryState,
    attempts: u32,
    error: Option<String>,
}

impl List {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(host)?;
        let Some(installation) = &self.installation else {
            for one in keyboard.all("/backends", &[]).await? {
                let one: BackEnd = given(one)?;
                output
                    .item(&one, || format!("{} {}  {}  {}", one.tenant, one.installation, one.url, standing(&one)))?;
            }
            return Ok(());
        };
        let installation = host.installation(installation).await?;
        let mut all = keyboard.all(&format!("{}/messages", at(&installation)), &[]).await?;
        all.truncate(self.lines);
        for row in all.into_iter().rev() {
            let row: Message = given(row)?;
            output.item(&row, || line(&row))?;
        }
        Ok(())
    }
}

fn line(row: &Message) -> String {
    let error = row.error.as_deref().unwrap_or_default();
    format!("{:>7} {:36} {:40} {:?} tries {} {error}", row.delivery, row.event, row.kind, row.state, row.attempts)
}

impl Replay {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let Found { keyboard, installation, one, .. } = find(host, &self.installation).await?;
        if !one.is_active() {
            bail!("the back end is {}; 'portcullis backend set' lets it go on", standing(&one));
        }
        let since = self.since.map(|since| {
            let since = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            // The first moment that there is a text for.
            Timestamp(host.clock.now().0.saturating_sub(since).max(-62_167_219_200_000))
        });
        let body = json!({ "since": since.map(|since| since.to_string()), "delivery": self.delivery });
        let done = keyboard.post(&format!("{}/replay", at(&installation)), &body).await?;
        output.result(&done, || format!("{} messages are sent again.", done["replayed"]))
    }
}

impl Test {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let found = find(host, &self.installation).await?;
        if !found.one.is_active() {
            bail!("the back end is {}", standing(&found.one));
        }
        let path = format!("{}/test", at(&found.installation));
        let told = found.keyboard.act(Method::POST, &path, None, None).await?;
        let delivery: i64 = given(told["delivery"].clone())?;
        let url = &found.one.url;
        if host.home.try_lock()?.is_some() {
            return output.result(&json!({ "delivery": delivery, "state": "pending" }), || {
                format!("No host is running; message {delivery} goes to {url} when one does.")
            });
        }
        let Some(row) = outcome(&found, delivery).await? else {
            bail!("message {delivery} was not sent within {} s; is it in the line behind others?", PATIENCE.as_secs());
        };
        match row.state {
            DeliveryState::Done => output.result(&row, || format!("{url} accepted message {delivery}.")),
            _ => bail!("{url} did not accept message {delivery}: {}", row.error.unwrap_or_default()),
        }
    }
}

/// What became of a message at its first try.
async fn outcome(found: &Found, delivery: i64) -> Result<Option<Message>> {
    let path = asked(&format!("{}/messages", at(&found.installation)), &[("limit", Some("100".to_owned()))]);
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let rows: Vec<Message> = given(found.keyboard.read(&path).await?["items"].take())?;
        let row = rows.into_iter().find(|row| row.delivery == delivery);
        let tried = |row: &Message| row.state != DeliveryState::Leased && row.attempts > 0;
        if let Some(row) = row.filter(tried) {
            return Ok(Some(row));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(None)
}
