//! `portcullis audit dispose`

use anyhow::{Context as _, Result};
use clap::Args;
use portcullis_model::{id::TenantId, time::Timestamp};
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, asked},
    home::Home,
    host::Host,
    output::Output,
};

/// Dispose of entries before the end of their retention; their hashes stay, and the log goes on to hold.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis audit dispose --before 2026-01-01 --reason 'contract ended' --dry-run\n  \
    portcullis audit dispose --before 2026-01-01 --tenant acme --reason 'contract ended'\n\n\
    Export first what is to be kept. What goes by itself is said in [audit] keep-days; nobody can go below [audit] minimum-days."
)]
pub struct Dispose {
    /// What is older than this day, or moment (RFC 3339).
    #[arg(long, value_name = "DATE", value_parser = moment)]
    before: Timestamp,
    /// Only this tenant's entries.
    #[arg(long, conflicts_with = "host")]
    tenant: Option<TenantId>,
    /// Only those that belong to no tenant.
    #[arg(long)]
    host: bool,
    /// Why. It goes into the log.
    #[arg(long)]
    reason: String,
    /// Say what would go, and dispose of nothing.
    #[arg(long)]
    dry_run: bool,
}

/// A day, which begins at midnight in UTC, or a moment.
fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || Timestamp::parse(&format!("{text}T00:00:00Z"));
    Timestamp::parse(text).or_else(day).ok_or_else(|| "expected a day such as 2026-01-01, or RFC 3339".to_owned())
}

impl Dispose {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        keyboard.publish().await.context("what is not published cannot be disposed of")?;
        let body = json!({ "before": self.before, "tenant": self.tenant, "host": self.host, "reason": self.reason });
        let dry = self.dry_run.then(|| "true".to_owned());
        let mut answer = keyboard.post(&asked("/audit/dispose", &[("dry_run", dry)]), &body).await?;
        let disposed = answer["disposed"].take();
        output.result(&json!({ "disposed": disposed, "dry-run": self.dry_run }), || {
            let lines: Vec<String> = disposed.as_array().into_iter().flatten().map(|one| self.words(one)).collect();
            lines.join("\n")
        })
    }

    fn words(&self, one: &Value) -> String {
        let view = one["view"].as_str().unwrap_or_default();
        let (from, to, count) = (one["from"].as_u64(), one["to"].as_u64(), &one["count"]);
        match (from, to, self.dry_run) {
            (Some(from), Some(to), true) => format!("{view}: would dispose of {count} entries, {from} to {to}."),
            (Some(from), Some(to), false) => format!("{view}: disposed of {count} entries, {from} to {to}."),
            _ => format!("{view}: nothing is that old."),
        }
    }
}
