//! `portcullis backend set|remove`

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use portcullis_broker::standard_webhooks::{KeysError, Made, key::Scheme};
use portcullis_capabilities::scopes::http::HttpScope;
use portcullis_model::{
    audit::Kind,
    egress::SendRequest,
    installation::Installation,
    scope::Allows as _,
    target::Target,
    webhook::{BackEnd, BackEndState, BackEnds as _, Health, check_events},
};
use serde_json::json;

use super::{entry, find};
use crate::{host::Host, outbound::signing_keys, output::Output};

/// How messages are signed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SchemeName {
    /// HMAC-SHA256 with a shared secret (whsec_): every library of Standard Webhooks checks it.
    Hmac,
    /// Ed25519: the back end gets a public key only (whpk_).
    Ed25519,
}

impl From<SchemeName> for Scheme {
    fn from(name: SchemeName) -> Self {
        match name {
            SchemeName::Hmac => Self::Hmac,
            SchemeName::Ed25519 => Self::Ed25519,
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
    /// Where to post to: https, a host name.
    #[arg(long)]
    pub url: String,
    /// Only events of these types, or beginning so where they end in '*'. All that the installation is granted, if not given.
    #[arg(long, num_args = 1.., value_name = "TYPE")]
    pub events: Vec<String>,
    /// How messages are signed; for a back end that is new.
    #[arg(long, default_value = "hmac")]
    pub scheme: SchemeName,
}

impl Set {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let installation = host.installation(&self.installation).await?;
        if installation.is_gone() {
            bail!("{} was uninstalled", installation.id);
        }
        let url: Target = self.url.parse().map_err(|problem: String| anyhow::anyhow!(problem))?;
        check_events(&self.events).map_err(|problem| anyhow::anyhow!(problem))?;
        check_grant(host, &installation, &url).await?;
        let before = host.store.back_end(&installation.id).await?;
        let key = first_key(host, &installation, before.is_none(), self.scheme.into()).await?;
        let one = BackEnd {
            tenant: installation.tenant.clone(),
            installation: installation.id.clone(),
            url,
            events: self.events,
            state: BackEndState::Active,
            health: Health::default(),
            generation: next_generation(host, before.as_ref()),
        };
        let entry = entry(host, Kind::BackendSet, &installation)
            .with("url", format!("{}{}", one.url.origin(), one.url.path()))
            .with("events", one.events.clone());
        let expected = before.as_ref().map(|one| one.generation);
        if !host.store.put_back_end(one.clone(), expected, entry).await? {
            bail!("somebody else has just changed the back end of {}; look at it and try again", installation.id);
        }
        crate::commands::publish(host).await?;
        let shown = key.as_ref().map(|made| String::from_utf8_lossy(made.shown.expose()).into_owned());
        output.result(&json!({ "back-end": one, "key": shown }), || {
            let set = format!("Messages of {} go to {}.", installation.plugin, one.url);
            match &shown {
                Some(key) => format!("{set} Their signatures are checked with this, shown this once:\n  {key}"),
                None => format!("{set} The key is the one that it was."),
            }
        })
    }
}

/// The installation's own authority must cover the address now; each message is judged again when it is sent.
async fn check_grant(host: &Host, installation: &Installation, url: &Target) -> Result<()> {
    let act = SendRequest { method: "POST", target: url.clone(), headers: Vec::new(), body: Vec::new() };
    let needed = HttpScope::needed(&act);
    let standing = host.explainer().standing(installation, &needed).await?;
    if !standing.left.is_empty() {
        return Ok(());
    }
    let by =
        standing.narrowed_by.map_or_else(String::new, |layer| format!(" (by {layer}; ask the {})", layer.grantor()));
    bail!("{} may not send to {url}{by}; it needs: {needed}", installation.id)
}

/// The key of a back end that is new. One that was left by a command that was cut off was never shown: it ends.
async fn first_key(host: &Host, of: &Installation, new: bool, scheme: Scheme) -> Result<Option<Made>> {
    let (keys, owner) = (signing_keys(host), (of.tenant.clone(), of.id.clone()));
    let entry = || entry(host, Kind::BackendRotated, of).with("step", "made");
    match keys.create(owner.clone(), scheme, entry()).await {
        Ok(made) => Ok(Some(made)),
        Err(KeysError::Taken(_)) if !new => Ok(None),
        Err(KeysError::Taken(_)) => {
            Ok(Some(keys.rotate(owner, Some(scheme), std::time::Duration::ZERO, entry()).await?))
        }
        Err(error) => Err(error.into()),
    }
}

/// Never one that there was, even after a removal.
fn next_generation(host: &Host, before: Option<&BackEnd>) -> u64 {
    let now = u64::try_from(host.clock.now().0).unwrap_or_default();
    now.max(before.map_or(0, |one| one.generation.saturating_add(1)))
}

/// Takes a back end away.
pub(super) async fn remove(host: &Host, installation: &str, output: Output) -> Result<()> {
    let (installation, one) = find(host, installation).await?;
    if !host.store.remove_back_end(&one, entry(host, Kind::BackendRemoved, &installation)).await? {
        bail!("somebody else has just changed the back end of {}; look at it and try again", installation.id);
    }
    crate::commands::publish(host).await?;
    output.result(&json!({ "removed": one.installation }), || {
        format!("{} has no back end any more; its keys and what waited for it are gone.", installation.id)
    })
}
