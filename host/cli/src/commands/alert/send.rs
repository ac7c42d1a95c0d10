//! `portcullis alert send-to`

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use portcullis_broker::post::PostUrl;
use portcullis_model::{
    alert::{AlertOutbox as _, AlertSeverity, Endpoint},
    audit::{Entry, Kind},
    id::TenantId,
    webhook::{BackEndState, Health},
};
use serde_json::json;

use crate::{detect, host::Host, output::Output};

/// Have alerts posted to an address.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis alert send-to https://alerts.platform.example/portcullis\n  \
    portcullis alert send-to https://siem.acme.example/in --tenant acme --least high\n  \
    portcullis alert send-to --test\n  portcullis alert send-to --rotate\n  portcullis alert send-to --remove --tenant acme\n  \
    portcullis alert send-to\n\n\
    The operator's endpoint gets all alerts, a tenant's its own. A message names rule, severity, alert, tenant, installation and a link,\n\
    and nothing else. The key to check signatures with is printed once. Setting it again keeps the key, and lets one that was disabled\n\
    go on. Without anything, it lists the endpoints.")]
pub struct SendTo {
    /// Where to: https, or for the operator's own http on a loopback address.
    #[arg(conflicts_with_all = ["remove", "rotate", "test"])]
    pub url: Option<String>,
    /// A tenant's endpoint, of its own alerts.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// Only alerts that are as severe: low, medium, high or critical.
    #[arg(long, default_value = "low")]
    pub least: AlertSeverity,
    /// Take the endpoint away, with its keys and what waits for it.
    #[arg(long, conflicts_with_all = ["rotate", "test"])]
    pub remove: bool,
    /// Make another key. The old one signs as well for a day.
    #[arg(long, conflicts_with = "test")]
    pub rotate: bool,
    /// Send a message that only tries out whether it arrives.
    #[arg(long)]
    pub test: bool,
}

/// For how long the old key signs as well.
const OVERLAP: Duration = Duration::from_secs(24 * 3_600);

impl SendTo {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        match (&self.url, self.remove, self.rotate, self.test) {
            (Some(url), ..) => self.set(host, url, output).await,
            (_, true, ..) => self.remove(host, output).await,
            (_, _, true, _) => self.rotate(host, output).await,
            (.., true) => self.test(host, output).await,
            _ => list(host, output).await,
        }
    }

    fn entry(&self, host: &Host, step: &str) -> Entry {
        host.entry(Kind::AlertEndpoint, self.tenant.clone()).about("alert-endpoint").with("step", step)
    }

    async fn known(&self, host: &Host) -> Result<Option<Endpoint>> {
        Ok(host.store.endpoints().await?.into_iter().find(|one| one.tenant == self.tenant))
    }

    async fn set(&self, host: &Host, url: &str, output: Output) -> Result<()> {
        let place = PostUrl::parse(url).map_err(anyhow::Error::msg)?;
        if self.tenant.is_some() && matches!(place, PostUrl::Local(..)) {
            bail!("a tenant's endpoint is on no loopback address of this machine: expected 'https://'");
        }
        let before = self.known(host).await?;
        let keys = detect::keys(host);
        // A key that was left by a command that was cut off was never shown: it ends.
        let fresh = before.is_none() || !keys.has(self.tenant.as_ref()).await?;
        let key = match fresh {
            true => Some(keys.make(self.tenant.as_ref(), Duration::ZERO, self.entry(host, "key made")).await?),
            false => None,
        };
        let now = u64::try_from(host.clock.now().0).unwrap_or_default();
        let one = Endpoint {
            tenant: self.tenant.clone(),
            url: url.to_owned(),
            least: self.least,
            state: BackEndState::Active,
            health: Health::default(),
            generation: now.max(before.map_or(0, |one| one.generation.saturating_add(1))),
        };
        let entry = self.entry(host, "set").with("url", origin(&place)).with("least", self.least.name());
        host.store.put_endpoint(one.clone(), entry).await?;
        crate::commands::publish(host).await?;
        let shown = key.map(|key| String::from_utf8_lossy(key.expose()).into_owned());
        output.result(&json!({ "endpoint": one, "key": shown }), || {
            let set = format!("Alerts of {} go to {url}.", whose(self.tenant.as_ref()));
            match &shown {
                Some(key) => format!("{set} Their signatures are checked with this, shown this once:\n  {key}"),
                None => format!("{set} The key is the one that it was."),
            }
        })
    }

    async fn remove(&self, host: &Host, output: Output) -> Result<()> {
        if !host.store.remove_endpoint(self.tenant.clone(), self.entry(host, "removed")).await? {
            bail!("there is no endpoint for alerts of {}", whose(self.tenant.as_ref()));
        }
        detect::keys(host).forget(self.tenant.as_ref()).await?;
        crate::commands::publish(host).await?;
        output.result(&json!({ "removed": true }), || {
            format!("Alerts of {} go nowhere any more; the keys are gone.", whose(self.tenant.as_ref()))
        })
    }

    async fn rotate(&self, host: &Host, output: Output) -> Result<()> {
        if self.known(host).await?.is_none() {
            bail!("there is no endpoint for alerts of {}", whose(self.tenant.as_ref()));
        }
        let key = detect::keys(host).make(self.tenant.as_ref(), OVERLAP, self.entry(host, "key rotated")).await?;
        crate::commands::publish(host).await?;
        let shown = String::from_utf8_lossy(key.expose()).into_owned();
        output.result(&json!({ "key": shown }), || {
            format!("The new key, shown this once; the old one signs as well for a day:\n  {shown}")
        })
    }

    async fn test(&self, host: &Host, output: Output) -> Result<()> {
        if !host.store.try_endpoint(self.tenant.clone(), self.entry(host, "tried out")).await? {
            bail!("there is no active endpoint for alerts of {}", whose(self.tenant.as_ref()));
        }
        crate::commands::publish(host).await?;
        output.result(&json!({ "queued": true }), || {
            "A message is in the queue; 'portcullis audit search kind=alert.delivery' says what became of it."
                .to_owned()
        })
    }
}

/// The address, less what could be a secret in it.
fn origin(place: &PostUrl) -> String {
    match place {
        PostUrl::Remote(target) => target.origin(),
        PostUrl::Local(address, _) => format!("http://{address}"),
    }
}

fn whose(tenant: Option<&TenantId>) -> String {
    tenant.map_or_else(|| "the host and all tenants".to_owned(), |tenant| format!("tenant {tenant}"))
}

async fn list(host: &Host, output: Output) -> Result<()> {
    let all = host.store.endpoints().await?;
    if all.is_empty() {
        return output.result(&json!([]), || "Alerts are told to nobody.".to_owned());
    }
    for one in &all {
        output.item(one, || {
            let state = match (&one.state, &one.health.last_error) {
                (BackEndState::Disabled { since, why }, _) => format!("disabled since {since}: {why}"),
                (BackEndState::Active, Some(why)) => format!("failing, {} in a row: {why}", one.health.failures),
                (BackEndState::Active, None) => "active".to_owned(),
            };
            let whose = whose(one.tenant.as_ref());
            format!("{whose}: {} and more severe to {} ({state})", one.least.name(), one.url)
        })?;
    }
    Ok(())
}
