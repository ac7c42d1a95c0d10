//! `portcullis review resolve`

use anyhow::Result;
use clap::Args;
use portcullis_model::id::ReportId;

use crate::{commands::publish, home::Home, host::Host, output::Output};

/// Say what came of a report of misbehaviour.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis review resolve rep_... --note 'acme is right' \\\n    \
    --public-note 'it logs order numbers; release 4 does not'\n\n\
    Every tenant that runs the release reads the public note. It must not name who reported. To stop the release\n\
    everywhere, reject it or quarantine it.")]
pub struct Resolve {
    /// Which report.
    pub report: ReportId,
    /// For the platform.
    #[arg(long)]
    pub note: String,
    /// For every tenant that runs the release.
    #[arg(long)]
    pub public_note: String,
}

impl Resolve {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let report = host.reports().resolve(&self.report, &self.note, &self.public_note).await?;
        publish(&host).await?;
        output.result(&report, || format!("{} is resolved: {}", report.id, self.public_note))
    }
}
