//! `portcullis audit outlets`: who is sent the log.

use anyhow::Result;
use clap::Args;
use portcullis_model::{
    audit::plain,
    outlet::{Outlet, OutletStore as _},
    time::Timestamp,
};
use serde_json::json;

use crate::{home::Home, host::Host, outlet::syslog_to, output::Output};

/// List who is sent the log as it is written, how far each is, and what is wrong.
#[derive(Debug, Args)]
#[command(
    after_help = "Outlets are sections of the configuration: [audit.syslog] and [audit.otlp]. The running host turns them on and off, and \
    sends; this reads what it keeps about that. Each begins with the entry that says so; 'portcullis audit export' has what is older."
)]
pub struct Outlets {}

impl Outlets {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let (known, end) = (host.store.outlets().await?, host.store.entry_count().await?);
        for one in &known {
            let waits = host.store.entries(one.next, 1).await?.first().map(|entry| entry.time);
            show(output, one, end, waits)?;
        }
        let audit = &host.config.audit;
        let syslog = audit.syslog.as_ref().map(|one| ("syslog", syslog_to(one)));
        let otlp = audit.otlp.as_ref().map(|one| one.endpoint().map(|to| ("otlp", to.template()))).transpose()?;
        for (name, to) in syslog.into_iter().chain(otlp) {
            if !known.iter().any(|one| one.name == name) {
                let value = json!({ "name": name, "to": to, "begun": false });
                output.item(&value, || format!("{name}: {to}\n  not begun: it begins when the host next starts"))?;
            }
        }
        Ok(())
    }
}

fn show(output: Output, one: &Outlet, end: u64, waits: Option<Timestamp>) -> Result<()> {
    let lag = end.saturating_sub(one.next);
    let value = json!({
        "name": one.name, "to": one.settings, "begun": true, "next": one.next, "entries": end, "lag": lag, "oldest-waiting": waits,
        "last-arrived": one.sent, "failing-since": one.failing, "problem": one.problem, "refused": one.refused,
        "missed": one.missed.count,
    });
    output.item(&value, || {
        let far = match waits {
            None => format!("all {end} entries have arrived"),
            Some(since) => format!("{lag} of {end} entries wait, from {} on, of {since}", one.next),
        };
        let last = one.sent.map_or_else(|| "none has yet".to_owned(), |at| at.to_string());
        let mut text = format!("{}: {}\n  {far}; the last arrived: {last}", one.name, plain(&one.settings));
        if one.refused > 0 {
            text.push_str(&format!("\n  {} records were refused by the receiver", one.refused));
        }
        match (&one.problem, one.failing) {
            (Some(problem), Some(since)) => text.push_str(&format!("\n  FAILING since {since}: {problem}")),
            (Some(problem), None) => text.push_str(&format!("\n  tried again: {problem}")),
            (None, _) => {}
        }
        text
    })
}
