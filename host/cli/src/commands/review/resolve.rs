//! `portcullis review resolve`

use anyhow::Result;
use clap::Args;
use portcullis_model::{id::ReportId, review::Misbehaviour};
use serde_json::json;

use crate::{
    admin::{Keyboard, given, or_unknown},
    home::Home,
    host::Host,
    output::Output,
};

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
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        let path = format!("/misbehaviour/{}/resolve", self.report);
        let answer = keyboard.post(&path, &json!({ "note": self.note, "public-note": self.public_note })).await;
        let missing = || format!("there is no report {}; see 'portcullis review list'", self.report);
        let report: Misbehaviour = given(or_unknown(answer, missing)?["report"].take())?;
        output.result(&report, || format!("{} is resolved: {}", report.id, self.public_note))
    }
}
