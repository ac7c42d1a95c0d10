//! `portcullis freeze`

use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Subcommand;
use portcullis_broker::rotation::Reach as _;
use portcullis_model::freeze::{Extent, Freeze};
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, given},
    extent::ExtentArgs,
    home::Home,
    host::Host,
    output::Output,
    rotation::AuditReach,
};

/// Freezes: nothing leaves in the name of what is frozen, and the host's own tokens of it are refused.
#[derive(Debug, Subcommand)]
pub enum FreezeCommand {
    /// Freeze something at once. Requests that are under way are ended.
    #[command(
        after_help = "Examples:\n  portcullis freeze add --provider zendesk --reason 'tokens seen in a public dump'\n  \
        portcullis freeze add --installation card-guard --reason 'sends to a host that it should not'\n\n\
        It holds until it is lifted, whatever process ends. Plugins go on running; each request of theirs fails with\n\
        'unavailable', and their events are tried again. Exits with 1 where a request had not ended within 5 seconds."
    )]
    Add {
        /// What.
        #[command(flatten)]
        extent: ExtentArgs,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Lift a freeze.
    #[command(after_help = "Example:\n  portcullis freeze lift 3 --reason 'false alarm'")]
    Lift {
        /// Its number, as 'portcullis freeze list' shows it.
        number: u64,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Also where it belongs to a rotation that is not through: what was not rotated goes on with its old credential.
        #[arg(long)]
        unrotated: bool,
    },
    /// List what is frozen.
    #[command(after_help = "Example:\n  portcullis freeze list")]
    List,
}

impl FreezeCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Arc::new(Host::open(home).await?);
        match self {
            Self::Add { extent, reason } => add(&host, &extent, &reason, output).await,
            Self::Lift { number, reason, unrotated } => lift(&host, number, &reason, unrotated, output).await,
            Self::List => list(&host, output).await,
        }
    }
}

async fn add(host: &Arc<Host>, extent: &ExtentArgs, reason: &str, output: Output) -> Result<()> {
    if reason.trim().is_empty() {
        bail!("--reason: say why");
    }
    let extent = extent.read(host).await?;
    let body = json!({ "extent": sent(&extent), "reason": reason });
    let added = Keyboard::of(host)?.post("/freezes", &body).await?;
    let Freeze { number, since, .. } = shown(&added["freeze"])?;
    let reached = AuditReach(host.clone()).reached(number).await?;
    super::publish(host).await?;
    let took = u64::try_from(reached.at.0 - since.0).unwrap_or(0);
    let value = json!({ "freeze": number, "extent": extent, "reached": reached, "took-ms": took });
    output.result(&value, || match (reached.host_runs, reached.left) {
        (false, _) => format!("Frozen: {extent} (freeze {number}). No host runs here: nothing was under way."),
        (true, 0) => {
            format!(
                "Frozen: {extent} (freeze {number}). {} requests were ended; in force after {took} ms.",
                reached.ended
            )
        }
        (true, _) => format!("Frozen: {extent} (freeze {number}), but the running host has NOT CONFIRMED it."),
    })?;
    if reached.left > 0 {
        bail!(
            "the running host has not confirmed within 6 s that nothing of it goes on; look at its log, stop it where it hangs"
        );
    }
    Ok(())
}

async fn lift(host: &Host, number: u64, reason: &str, unrotated: bool, output: Output) -> Result<()> {
    let keyboard = Keyboard::of(host)?;
    let all = keyboard.all("/freezes", &[]).await?;
    let found = all.iter().find(|one| one["number"] == number).map(shown).transpose()?;
    let Some(freeze) = found else { bail!("there is no freeze {number}; 'portcullis freeze list' shows them") };
    if let Some(incident) = &freeze.incident {
        bail!(
            "freeze {number} belongs to incident {incident}, which holds more than it: 'portcullis incident lift {incident}'"
        );
    }
    if let Some(act) = freeze.act.as_ref().filter(|_| !unrotated) {
        let ended =
            keyboard.read(&format!("/rotations/{act}")).await.is_ok_and(|one| one["rotation"]["ended"].is_string());
        let state = if ended { "could not finish" } else { "is not through" };
        bail!(
            "freeze {number} belongs to the rotation {act}, which {state}: 'portcullis rotate --resume {act}' goes on with it and \
             lifts it. With --unrotated what it holds goes on with old credentials."
        );
    }
    let body = json!({ "reason": reason, "unrotated": unrotated });
    keyboard.post(&format!("/freezes/{number}/lift"), &body).await?;
    output.result(&json!({ "lifted": freeze }), || format!("Lifted: {} (freeze {number}).", freeze.extent))
}

async fn list(host: &Host, output: Output) -> Result<()> {
    let all = Keyboard::of(host)?.all("/freezes", &[]).await?;
    for one in &all {
        let (freeze, released) = (shown(one)?, &one["released"]);
        let value = json!({ "freeze": freeze, "released": released });
        output.item(&value, || {
            let act = freeze.act.as_ref().map(|act| format!("  {act}, {released} released")).unwrap_or_default();
            format!(
                "{:>4}  {}  since {} by {}: {}{act}",
                freeze.number, freeze.extent, freeze.since, freeze.by, freeze.reason
            )
        })?;
    }
    if all.is_empty() && !output.json {
        crate::output::line("Nothing is frozen.")?;
    }
    Ok(())
}

/// An extent, as the API is told of it.
fn sent(extent: &Extent) -> Value {
    let (of, id) = match extent {
        Extent::All => return json!({ "of": "all" }),
        Extent::Tenant(id) => ("tenant", id.to_string()),
        Extent::Provider(id) => ("provider", id.to_string()),
        Extent::Publisher(id) => ("publisher", id.to_string()),
        Extent::Plugin(id) => ("plugin", id.to_string()),
        Extent::Installation(id) => ("installation", id.to_string()),
        Extent::Connection(key) => ("connection", key.to_string()),
    };
    json!({ "of": of, "id": id })
}

/// A freeze, as the API shows it.
fn shown(view: &Value) -> Result<Freeze> {
    let (of, id) = (&view["extent"]["of"], view["extent"]["id"].as_str().unwrap_or_default());
    let extent = match of.as_str().unwrap_or_default() {
        "all" => of.clone(),
        "connection" => {
            let parts: Vec<&str> = id.splitn(3, '/').collect();
            let [tenant, installation, name] = parts.as_slice() else { bail!("'{id}' is no connection") };
            json!({ "connection": { "tenant": tenant, "installation": installation, "name": name } })
        }
        of => json!({ of: id }),
    };
    given(json!({
        "number": view["number"], "extent": extent, "reason": view["reason"], "by": view["by"], "since": view["since"],
        "act": view["rotation"], "incident": view["incident"], "platform": view["platform"],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_shows_of_an_extent_is_what_it_is_told() {
        let key = |text: &str| json!({ "of": "connection", "id": text });
        for extent in [json!({ "of": "all" }), json!({ "of": "plugin", "id": "com.example.a" }), key("acme/ins_1/a.b")]
        {
            let view = json!({
                "number": 3, "extent": extent, "reason": "r", "by": "dana", "since": "2026-11-01T00:00:00.000Z", "platform": true,
            });
            let freeze = shown(&view).unwrap();
            assert_eq!((sent(&freeze.extent), freeze.platform), (extent, true));
        }
        assert!(shown(&json!({ "extent": key("acme/ins_1") })).is_err());
    }
}
