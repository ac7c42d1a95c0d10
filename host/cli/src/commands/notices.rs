//! `portcullis notices`: what needs an admin, and the command that helps.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use portcullis_api::admin::v1::notices::Notice;
use portcullis_model::{id::TenantId, scope::parse_seconds, time::Timestamp};

use crate::{
    admin::{Keyboard, given},
    home::Home,
    host::Host,
    output::{Output, line},
};

/// List what needs an admin: what was suspended, given up or refused, and when the host had died.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis notices\n  portcullis notices --since 7d --json\n\n\
    First what is so at the moment: reports of misbehaviour, known vulnerabilities, reviews that end within 30 days.\n\
    Then the audit log's, newest first: one line each, and the command that helps.")]
pub struct Notices {
    /// How far back: a number with s, m, h or d.
    #[arg(long, default_value = "24h", value_parser = span)]
    pub since: Duration,
    /// Only what this tenant is to know.
    #[arg(long)]
    pub tenant: Option<TenantId>,
}

fn span(text: &str) -> Result<Duration, String> {
    let seconds = parse_seconds(text).ok_or("expected a number with s, m, h or d, such as 24h")?;
    Ok(Duration::from_secs(seconds))
}

impl Notices {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let back = i64::try_from(self.since.as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp(host.clock.now().0.saturating_sub(back).max(0)).to_string();
        let query = [("since", Some(since)), ("tenant", self.tenant.as_ref().map(ToString::to_string))];
        let all = Keyboard::of(&host)?.all("/notices", &query).await?;
        if all.is_empty() && !output.json {
            line("Nothing needs an admin.")?;
        }
        for notice in all {
            let notice: Notice = given(notice)?;
            output
                .item(&notice, || format!("{} {:20} {}\n    {}", notice.time, notice.kind, notice.what, notice.help))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_refused() {
        assert_eq!(span("24h"), Ok(Duration::from_secs(86_400)));
        assert!(span("yesterday").is_err());
    }
}
