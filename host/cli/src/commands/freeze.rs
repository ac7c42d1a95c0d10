//! `portcullis freeze`

use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Subcommand;
use portcullis_broker::rotation::Reach as _;
use portcullis_model::{
    audit::{Actor, Kind},
    freeze::{Freeze, FreezeStore as _},
    rotation::RotationStore as _,
};
use serde_json::json;

use crate::{
    extent::ExtentArgs,
    home::Home,
    host::{Host, person},
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
            Self::Add { extent, reason } => add(&host, &extent, reason, output).await,
            Self::Lift { number, reason, unrotated } => lift(&host, number, &reason, unrotated, output).await,
            Self::List => list(&host, output).await,
        }
    }
}

async fn add(host: &Arc<Host>, extent: &ExtentArgs, reason: String, output: Output) -> Result<()> {
    if reason.trim().is_empty() {
        bail!("--reason: say why");
    }
    let extent = extent.read(host).await?;
    let Actor::Person { name: by } = person() else { bail!("a freeze is somebody's") };
    let freeze =
        Freeze { number: 0, extent: extent.clone(), reason: reason.clone(), by, since: host.clock.now(), act: None };
    let entry = host
        .entry(Kind::FreezeAdded, None)
        .about("freeze")
        .with("extent", extent.to_string())
        .with("reason", reason.as_str());
    let since = freeze.since;
    let number = host.store.add_freeze(freeze, entry).await?;
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
    let found = host.store.freezes().await?.freezes.into_iter().find(|freeze| freeze.number == number);
    let Some(freeze) = found else { bail!("there is no freeze {number}; 'portcullis freeze list' shows them") };
    if let Some(act) = &freeze.act
        && !unrotated
    {
        let acts = host.store.acts().await?;
        let state = if acts.iter().any(|one| one.id == *act && one.ended.is_some()) {
            "could not finish"
        } else {
            "is not through"
        };
        bail!(
            "freeze {number} belongs to the rotation {act}, which {state}: 'portcullis rotate --resume {act}' goes on with it and \
             lifts it. With --unrotated what it holds goes on with old credentials."
        );
    }
    let entry = host
        .entry(Kind::FreezeLifted, None)
        .about("freeze")
        .with("extent", freeze.extent.to_string())
        .with("reason", reason)
        .with("unrotated", unrotated);
    if !host.store.lift_freeze(number, entry).await? {
        bail!("freeze {number} was lifted by somebody else just now");
    }
    super::publish(host).await?;
    output.result(&json!({ "lifted": freeze }), || format!("Lifted: {} (freeze {number}).", freeze.extent))
}

async fn list(host: &Host, output: Output) -> Result<()> {
    let state = host.store.freezes().await?;
    for freeze in &state.freezes {
        let released = state.released.iter().filter(|one| one.freeze == freeze.number).count();
        let value = json!({ "freeze": freeze, "released": released });
        output.item(&value, || {
            let act = freeze.act.as_ref().map(|act| format!("  {act}, {released} released")).unwrap_or_default();
            format!(
                "{:>4}  {}  since {} by {}: {}{act}",
                freeze.number, freeze.extent, freeze.since, freeze.by, freeze.reason
            )
        })?;
    }
    if state.freezes.is_empty() && !output.json {
        crate::output::line("Nothing is frozen.")?;
    }
    Ok(())
}
