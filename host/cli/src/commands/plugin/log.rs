//! `portcullis plugin log`

use anyhow::Result;
use clap::Args;

use crate::{home::Home, host::Host, output::Output};

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
        let of = match &self.installation {
            Some(name) => Some(host.installation(name).await?.id),
            None => None,
        };
        for line in host.store.log_lines(of, self.lines).await? {
            output.item(&line, || format!("{} {} {:5} {}", line.time, line.call, line.level, line.message))?;
        }
        Ok(())
    }
}
