//! `portcullis plugin rescan`

use anyhow::Result;
use clap::Args;
use portcullis_api::admin::Method;

use crate::{admin::Keyboard, home::Home, host::Host, output::Output};

/// Look again at what every installed or submitted release is made of, for vulnerabilities that are known by now.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin rescan\n\n\
    What is known lies in a file of this host; 'portcullis advisories update' brings it up to date, and rescans.\n\
    A release says itself what it is made of: one that says nothing has no findings.")]
pub struct Rescan {}

impl Rescan {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        let answer = keyboard.act(Method::POST, "/releases/rescan", None, None).await?;
        output.result(&answer["found"], || answer["words"].as_str().unwrap_or_default().to_owned())
    }
}
