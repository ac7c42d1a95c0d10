//! `portcullis plugin log`

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::{admin::Keyboard, home::Home, host::Host, output::Output};

/// Print what plugins have logged.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis plugin log\n  portcullis plugin log card-guard -n 200 --json")]
pub struct Log {
    /// Only of this installation: its id, or the plugin's name.
    pub installation: Option<String>,
    /// How many lines.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub lines: usize,
}

impl Log {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let keyboard = Keyboard::of(&host)?;
        let of = match &self.installation {
            Some(name) => vec![host.installation(name).await?.id],
            None => keyboard.installations().await?.into_iter().map(|(one, _)| one.id).collect(),
        };
        let mut lines: Vec<Value> = Vec::new();
        for id in of {
            lines.extend(keyboard.first(&format!("/installations/{id}/log"), &[], self.lines).await?);
        }
        lines.sort_by_key(|line| line["number"].as_i64());
        let older = lines.len().saturating_sub(self.lines);
        lines.drain(older..).try_for_each(|line| print(output, line))
    }
}

fn print(output: Output, mut line: Value) -> Result<()> {
    if let Some(members) = line.as_object_mut() {
        members.remove("number");
    }
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    output.item(&line, || format!("{} {} {:5} {}", text("time"), text("call"), text("level"), text("message")))
}
