//! `portcullis incident contain`

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use clap::Args;
use portcullis_model::{
    id::IncidentId,
    incident::{Containment, Incident},
};
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, or_unknown},
    host::{Host, person},
    incident::{self, Rotated},
    output::Output,
};

/// Contain an incident.
#[derive(Debug, Args)]
pub struct Contain {
    /// Which.
    pub incident: IncidentId,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Go on with a containment that was cut off, or in which something failed.
    #[arg(long, conflicts_with = "dry_run")]
    pub resume: bool,
}

impl Contain {
    pub(super) async fn run(self, host: &Arc<Host>, output: Output) -> Result<ExitCode> {
        if self.dry_run {
            return self.rehearse(host, output).await;
        }
        if !self.resume {
            let path = format!("/incidents/{}/contain", self.incident);
            let done = Keyboard::of(host)?.post(&path, &json!({ "left-to-host": false })).await;
            let done = or_unknown(done, || super::missing(&self.incident))?;
            output.item(&json!({ "plan": done["plan"] }), || words(&done).join("\n"))?;
        }
        let shown = |incident: &Incident| {
            let value = json!({ "incident": incident.id, "containment": incident.containment });
            output.item(&value, || incident.containment.as_ref().map(receipt).unwrap_or_default().join("\n"))
        };
        let (done, rotated) = incident::carry_on(host, &self.incident, &person(), shown).await?;
        crate::commands::publish(host).await?;
        for one in &rotated {
            output.item(one, || rotation(one))?;
        }
        let reached = done.containment.as_ref().is_some_and(Containment::is_reached);
        let through = done.containment.as_ref().is_some_and(|one| one.through.is_some());
        let whole = reached && through;
        if !whole && !output.json {
            crate::output::line(&format!(
                "NOT THROUGH: 'portcullis incident contain {} --resume' goes on with it.",
                done.id
            ))?;
        }
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn rehearse(&self, host: &Host, output: Output) -> Result<ExitCode> {
        let path = format!("/incidents/{}/contain?dry_run=true", self.incident);
        let planned = or_unknown(Keyboard::of(host)?.post(&path, &json!({})).await, || super::missing(&self.incident))?;
        output.result(&json!({ "dry-run": true, "plan": planned["plan"] }), || {
            let mut lines = words(&planned);
            lines.push("Nothing was done.");
            lines.join("\n")
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The steps of a plan.
fn words(planned: &Value) -> Vec<&str> {
    planned["words"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn rotation(one: &Rotated) -> String {
    let totals: Vec<String> =
        one.totals.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} {count}")).collect();
    let state = if one.whole { "" } else { "; NOT WHOLE" };
    format!(
        "  {} of {}: {}{state}. Its report: portcullis rotation show {}",
        one.rotation,
        one.extent,
        totals.join(", "),
        one.rotation
    )
}

/// What a containment came to, a line each.
pub(super) fn receipt(one: &Containment) -> Vec<String> {
    let mut lines = vec![format!(
        "Contained at {} by {} (log {}): {} installations suspended, {} did not run before, {} freezes.",
        one.at,
        one.by,
        one.log_index,
        one.suspended,
        one.already,
        one.freezes.len()
    )];
    lines.push(match one.reach {
        None => "  NOT CONFIRMED that nothing runs: the running host has not said so. Look at its log; stop it where it hangs.".to_owned(),
        Some(reach) if reach.calls_left > 0 => {
            format!("  {} calls were told to end and have NOT ENDED.", reach.calls_left)
        }
        Some(reach) if reach.host_runs => {
            format!("  Nothing runs since {} (log {}); {} calls were ended.", reach.at, reach.log_index, reach.calls_ended)
        }
        Some(reach) => format!("  No host runs here: nothing was under way (log {}).", reach.log_index),
    });
    lines.extend(one.egress.map(|egress| match (egress.host_runs, egress.left) {
        (false, _) => "  Nothing goes out: no host runs here.".to_owned(),
        (true, 0) => format!("  Nothing goes out since {}; {} requests were ended.", egress.at, egress.ended),
        (true, _) => "  NOT CONFIRMED that nothing goes out.".to_owned(),
    }));
    if let Some(took) = one.took_ms().filter(|_| one.is_reached()) {
        lines.push(format!("  Reached {took} ms after its entry."));
    }
    if let Some(lifted) = &one.lifted {
        lines.push(format!(
            "  Lifted at {} by {}: {}",
            lifted.at,
            lifted.by,
            portcullis_model::audit::plain(&lifted.text)
        ));
    }
    lines
}
