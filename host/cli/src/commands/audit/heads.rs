//! `portcullis audit checkpoint`, `consistency` and `views`: the signed heads of the log and of its views, and how one continues another.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::Value;

use crate::{
    admin::{Keyboard, asked},
    home::Home,
    host::Host,
    output::Output,
};

/// Print the newest signed head of the log, or of a tenant's view: what to keep elsewhere.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis audit checkpoint --out today.checkpoint\n  portcullis audit checkpoint --view acme"
)]
pub struct Head {
    /// This tenant's view; '-' for the host's own entries. Absent: the host's log.
    #[arg(long, value_name = "TENANT")]
    view: Option<String>,
    /// Write it to this file. Absent: print it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Head {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        // What this command can publish is in it.
        keyboard.publish().await?;
        let head = keyboard.read(&asked("/audit/checkpoint", &part(self.view.as_deref()))).await?;
        let note = text(&head, "checkpoint");
        if let Some(file) = &self.out {
            fs::write(file, note).with_context(|| format!("cannot write {}", file.display()))?;
        }
        output.result(&head, || match &self.out {
            Some(file) => {
                let (origin, size) = (text(&head, "origin"), &head["size"]);
                format!("The checkpoint of {origin} at {size} entries is in {}.", file.display())
            }
            None => note.trim_end().to_owned(),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Of what a head is asked for: by the tenant's name, or '-' for what is no tenant's.
fn part(view: Option<&str>) -> [(&'static str, Option<String>); 2] {
    let tenant = view.filter(|name| *name != "-").map(str::to_owned);
    [("tenant", tenant), ("host", view.filter(|name| *name == "-").map(|_| "true".to_owned()))]
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_default()
}

/// Prove that the log, or a tenant's view, only grew since it had so many entries.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis audit consistency --from 1000 --view acme --json")]
pub struct Consistency {
    /// The older size.
    #[arg(long, value_name = "SIZE")]
    from: u64,
    /// This tenant's view; '-' for the host's own entries. Absent: the host's log.
    #[arg(long, value_name = "TENANT")]
    view: Option<String>,
}

impl Consistency {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        let [tenant, host] = part(self.view.as_deref());
        let query = [("from", Some(self.from.to_string())), tenant, host];
        let grown = keyboard.read(&asked("/audit/consistency", &query)).await?;
        output.result(&grown, || {
            let hashes = grown["hashes"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let hashes: Vec<&str> = hashes.collect();
            format!("old {}\n{}\n\n{}", self.from, hashes.join("\n"), text(&grown, "checkpoint"))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// List the views of the log: whose they are, and how many entries each has.
#[derive(Debug, Args)]
pub struct Views {}

impl Views {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        for view in keyboard.all("/audit/views", &[]).await? {
            output.item(&view, || {
                let size = view["size"].as_u64().unwrap_or_default();
                format!("{} {size:>9} {}", text(&view, "tag"), view["tenant"].as_str().unwrap_or("- (the host's own)"))
            })?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
