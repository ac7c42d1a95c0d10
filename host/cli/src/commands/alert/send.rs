//! `portcullis alert send-to`

use anyhow::Result;
use clap::Args;
use portcullis_api::admin::Method;
use portcullis_model::{
    alert::{AlertSeverity, Endpoint},
    id::TenantId,
    webhook::BackEndState,
};
use serde_json::json;

use crate::{
    admin::{Keyboard, asked, given},
    host::Host,
    output::Output,
};

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

/// Where the API has endpoints.
const PATH: &str = "/alerts/endpoints";

impl SendTo {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(host)?;
        match (&self.url, self.remove, self.rotate, self.test) {
            (Some(url), ..) => self.set(&keyboard, url, output).await,
            (_, true, ..) => self.remove(&keyboard, output).await,
            (_, _, true, _) => self.rotate(&keyboard, output).await,
            (.., true) => self.test(&keyboard, output).await,
            _ => list(&keyboard, output).await,
        }
    }

    /// A path about this endpoint.
    fn at(&self, path: &str) -> String {
        asked(path, &[("tenant", self.tenant.as_ref().map(ToString::to_string))])
    }

    /// The version of the endpoint as it is now; 0 where there is none.
    async fn version(&self, keyboard: &Keyboard) -> Result<Option<u64>> {
        let known = endpoints(keyboard).await?.into_iter().find(|one| one.tenant == self.tenant);
        Ok(Some(known.map_or(0, |one| one.generation)))
    }

    async fn set(&self, keyboard: &Keyboard, url: &str, output: Output) -> Result<()> {
        let (version, body) = (self.version(keyboard).await?, json!({ "url": url, "least": self.least }));
        let set = keyboard.act(Method::PUT, &self.at(PATH), version, Some(&body)).await?;
        output.result(&json!({ "endpoint": set["endpoint"], "key": set["key"] }), || {
            let told = format!("Alerts of {} go to {url}.", whose(self.tenant.as_ref()));
            match set["key"].as_str() {
                Some(key) => format!("{told} Their signatures are checked with this, shown this once:\n  {key}"),
                None => format!("{told} The key is the one that it was."),
            }
        })
    }

    async fn remove(&self, keyboard: &Keyboard, output: Output) -> Result<()> {
        let version = self.version(keyboard).await?;
        keyboard.act(Method::DELETE, &self.at(PATH), version, None).await?;
        output.result(&json!({ "removed": true }), || {
            format!("Alerts of {} go nowhere any more; the keys are gone.", whose(self.tenant.as_ref()))
        })
    }

    async fn rotate(&self, keyboard: &Keyboard, output: Output) -> Result<()> {
        let made = keyboard.act(Method::POST, &self.at("/alerts/endpoints/key"), None, None).await?;
        output.result(&json!({ "key": made["key"] }), || {
            let shown = made["key"].as_str().unwrap_or_default();
            format!("The new key, shown this once; the old one signs as well for a day:\n  {shown}")
        })
    }

    async fn test(&self, keyboard: &Keyboard, output: Output) -> Result<()> {
        let told = keyboard.act(Method::POST, &self.at("/alerts/endpoints/test"), None, None).await?;
        output.result(&told, || {
            "A message is in the queue; 'portcullis audit search kind=alert.delivery' says what became of it."
                .to_owned()
        })
    }
}

fn whose(tenant: Option<&TenantId>) -> String {
    tenant.map_or_else(|| "the host and all tenants".to_owned(), |tenant| format!("tenant {tenant}"))
}

async fn endpoints(keyboard: &Keyboard) -> Result<Vec<Endpoint>> {
    keyboard.all(PATH, &[]).await?.into_iter().map(given).collect()
}

async fn list(keyboard: &Keyboard, output: Output) -> Result<()> {
    let all = endpoints(keyboard).await?;
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
