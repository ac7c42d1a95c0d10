//! `portcullis backend`: back ends of plugins outside of the sandbox, and the signed messages that they get.

mod keys;
mod messages;
mod set;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use portcullis_model::{
    installation::Installation,
    webhook::{BackEnd, BackEndState},
};
use serde_json::Value;

use crate::{
    admin::{Keyboard, given},
    home::Home,
    host::Host,
    output::Output,
};

/// Back ends of plugins outside of the sandbox: where their signed messages go, and what became of them.
#[derive(Debug, Subcommand)]
pub enum BackendCommand {
    /// Send an installation's events to a back end, too; or change where to. The key to check signatures with is printed once.
    Set(set::Set),
    /// Take an installation's back end away, with its keys and what waits for it.
    #[command(after_help = "Example:\n  portcullis backend remove chat-notifier")]
    Remove {
        /// The installation: its id, or the plugin's name.
        installation: String,
    },
    /// List the back ends, or what was sent to one of them.
    List(messages::List),
    /// Show which keys sign, and since when: never a secret, but for a public key.
    #[command(after_help = "Example:\n  portcullis backend secret chat-notifier")]
    Secret {
        /// The installation: its id, or the plugin's name.
        installation: String,
    },
    /// Replace the key that signs. The old one signs as well until the overlap ends.
    Rotate(keys::Rotate),
    /// Send messages again that were given up.
    Replay(messages::Replay),
    /// Send a message that only tries out whether it arrives.
    Test(messages::Test),
}

impl BackendCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        match self {
            Self::Set(command) => command.run(&host, output).await,
            Self::Remove { installation } => set::remove(&host, &installation, output).await,
            Self::List(command) => command.run(&host, output).await,
            Self::Secret { installation } => keys::show(&host, &installation, output).await,
            Self::Rotate(command) => command.run(&host, output).await,
            Self::Replay(command) => command.run(&host, output).await,
            Self::Test(command) => command.run(&host, output).await,
        }
    }
}

/// Where the API has an installation's back end.
fn at(installation: &Installation) -> String {
    format!("/installations/{}/backend", installation.id)
}

/// A back end that is there.
struct Found {
    keyboard: Keyboard,
    installation: Installation,
    one: BackEnd,
    keys: Vec<Value>,
    version: Option<u64>,
}

/// The installation that a text means, and its back end.
async fn find(host: &Host, text: &str) -> Result<Found> {
    let (keyboard, installation) = (Keyboard::of(host)?, host.installation(text).await?);
    let (mut shown, version) = keyboard.read_version(&at(&installation)).await?;
    let one: Option<BackEnd> = given(shown["back-end"].take())?;
    let one =
        one.with_context(|| format!("{} has no back end; 'portcullis backend set' gives it one", installation.id))?;
    Ok(Found { keyboard, installation, one, keys: given(shown["keys"].take())?, version })
}

/// How a back end stands, in words.
pub(crate) fn standing(one: &BackEnd) -> String {
    match &one.state {
        BackEndState::Disabled { since, why } => format!("disabled since {since}: {why}"),
        BackEndState::Active => match (&one.health.failing_since, &one.health.last_error) {
            (Some(since), Some(why)) => {
                format!("failing since {since}, {} in a row: {why}", one.health.failures)
            }
            _ => "active".to_owned(),
        },
    }
}
