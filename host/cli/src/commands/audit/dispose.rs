//! `portcullis audit dispose`

use anyhow::{Context as _, Result};
use clap::Args;
use portcullis_model::{id::TenantId, time::Timestamp};
use serde_json::json;

use crate::{
    home::Home,
    host::{Host, person},
    output::Output,
    reading::LogReader,
    retention::{self, Order},
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
        let host = Host::open(home).await?;
        super::super::publish(&host).await.context("what is not published cannot be disposed of")?;
        let views = match (self.tenant, self.host) {
            (Some(tenant), _) => vec![Some(tenant)],
            (None, true) => vec![None],
            (None, false) => host.store.log_views().await?.into_iter().map(|view| view.tenant).collect(),
        };
        let order =
            Order { actor: person(), before: self.before, policy: "by hand".to_owned(), reason: Some(&self.reason) };
        let mut all = Vec::new();
        for view in views {
            all.push(retention::dispose(&host, view.as_ref(), &order, self.dry_run).await?);
        }
        if !self.dry_run && all.iter().any(|one| one.count > 0) {
            let forgot = LogReader::new(&host.home, host.store.clone()).forgets().await;
            all.iter_mut().for_each(|one| one.is_gone &= forgot);
        }
        super::super::publish(&host).await?;
        output.result(&json!({ "disposed": all, "dry-run": self.dry_run }), || {
            let line = |one: &retention::Disposed| match (one.from, one.to, self.dry_run) {
                (Some(from), Some(to), true) => {
                    format!("{}: would dispose of {} entries, {from} to {to}.", one.view, one.count)
                }
                (Some(from), Some(to), false) => {
                    format!("{}: disposed of {} entries, {from} to {to}.", one.view, one.count)
                }
                _ => format!("{}: nothing is that old.", one.view),
            };
            all.iter().map(line).collect::<Vec<_>>().join("\n")
        })
    }
}
