//! `portcullis backend set|remove`

use anyhow::Result;
use clap::{Args, ValueEnum};
use portcullis_api::admin::Method;
use portcullis_model::webhook::BackEnd;
use serde_json::json;

use super::{Found, at, find};
use crate::{
    admin::{Keyboard, given},
    host::Host,
    output::Output,
};

/// How messages are signed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SchemeName {
    /// HMAC-SHA256 with a shared secret (whsec_): every library of Standard Webhooks checks it.
    Hmac,
    /// Ed25519: the back end gets a public key only (whpk_).
    Ed25519,
}

impl SchemeName {
    /// As the API has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hmac => "hmac",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// Send an installation's events to a back end, too; or change where to. The key to check signatures with is printed once.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis backend set chat-notifier --url https://hooks.chat.example/portcullis\n  \
    portcullis backend set chat-notifier --url https://hooks.chat.example/portcullis --events 'zen:event-type:ticket.*'\n\n\
    The installation must be granted to send there: http:send to=<the URL> methods=POST. It gets the events that the\n\
    installation is granted, with what its plugin would see of them, and notices of the installation's own life.\n\
    Setting it again keeps the key, and lets one that was disabled go on."
)]
pub struct Set {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// Where to post to: https, a host name. As until now, if not given.
    #[arg(long)]
    pub url: Option<String>,
    /// Only events of these types, or beginning so where they end in '*'. All that the installation is granted, if not given.
    #[arg(long, num_args = 1.., value_name = "TYPE")]
    pub events: Vec<String>,
    /// How messages are signed; for a back end that is new.
    #[arg(long, default_value = "hmac")]
    pub scheme: SchemeName,
}

impl Set {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let (keyboard, installation) = (Keyboard::of(host)?, host.installation(&self.installation).await?);
        let (_, version) = keyboard.read_version(&at(&installation)).await?;
        let body = json!({ "url": self.url, "events": self.events, "scheme": self.scheme.name() });
        let mut set = keyboard.act(Method::PUT, &at(&installation), version, Some(&body)).await?;
        let one: BackEnd = given(set["back-end"].take())?;
        let key = set["key"].as_str();
        output.result(&json!({ "back-end": one, "key": key }), || {
            let set = format!("Messages of {} go to {}.", installation.plugin, one.url);
            match key {
                Some(key) => format!("{set} Their signatures are checked with this, shown this once:\n  {key}"),
                None => format!("{set} The key is the one that it was."),
            }
        })
    }
}

/// Takes a back end away.
pub(super) async fn remove(host: &Host, installation: &str, output: Output) -> Result<()> {
    let Found { keyboard, installation, version, .. } = find(host, installation).await?;
    keyboard.act(Method::DELETE, &at(&installation), version, None).await?;
    output.result(&json!({ "removed": installation.id }), || {
        format!("{} has no back end any more; its keys and what waited for it are gone.", installation.id)
    })
}
