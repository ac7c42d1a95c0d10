//! `portcullis audit outlets`: who is sent the log.

use anyhow::Result;
use clap::Args;
use portcullis_model::audit::plain;
use serde_json::{Value, json};

use crate::{admin::Keyboard, home::Home, host::Host, output::Output};

/// List who is sent the log as it is written, how far each is, and what is wrong.
#[derive(Debug, Args)]
#[command(
    after_help = "Outlets are sections of the configuration: [audit.syslog] and [audit.otlp]. The running host turns them on and off, and \
    sends; this reads what it keeps about that. Each begins with the entry that says so; 'portcullis audit export' has what is older."
)]
pub struct Outlets {}

impl Outlets {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        for one in keyboard.all("/audit/outlets", &[]).await? {
            match one["begun"] == true {
                true => output.item(&one, || words(&one))?,
                false => {
                    let value = json!({ "name": one["name"], "to": one["to"], "begun": false });
                    output.item(&value, || {
                        let (name, to) = (text(&one, "name"), text(&one, "to"));
                        format!("{name}: {to}\n  not begun: it begins when the host next starts")
                    })?;
                }
            }
        }
        Ok(())
    }
}

fn text(one: &Value, name: &str) -> String {
    plain(one[name].as_str().unwrap_or_default())
}

fn words(one: &Value) -> String {
    let (end, next, lag) = (&one["entries"], &one["next"], &one["lag"]);
    let far = match one["oldest-waiting"].as_str() {
        None => format!("all {end} entries have arrived"),
        Some(since) => format!("{lag} of {end} entries wait, from {next} on, of {since}"),
    };
    let last = one["last-arrived"].as_str().unwrap_or("none has yet");
    let mut words = format!("{}: {}\n  {far}; the last arrived: {last}", text(one, "name"), text(one, "to"));
    if one["refused"] != 0 {
        words.push_str(&format!("\n  {} records were refused by the receiver", one["refused"]));
    }
    match (one["problem"].as_str(), one["failing-since"].as_str()) {
        (Some(problem), Some(since)) => words.push_str(&format!("\n  FAILING since {since}: {problem}")),
        (Some(problem), None) => words.push_str(&format!("\n  tried again: {problem}")),
        (None, _) => {}
    }
    words
}
