//! A containment after its one transaction: nothing runs, nothing goes out, credentials are revoked and minted anew.
//!
//! Invariants: what was stored as done is not done again; that nothing runs or goes out is stored only where the running host said so
//! or none runs; an act of rotation belongs to a containment by its extent and its reason, and was begun after it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use portcullis_broker::rotation::{Order, Progress, Quiet, Reach as _, Report};
use portcullis_duties::incident::reason;
use portcullis_model::{
    audit::Actor,
    freeze::Extent,
    id::IncidentId,
    incident::{Containment, Incident},
    rotation::{Act, Line, Mode, RotationStore as _},
};
use serde::Serialize;

use super::desk;
use crate::{enforce::Enforcer, host::Host, host::person, rotation};

/// How long the running host is waited for: calls have five seconds to end.
const PATIENCE: Duration = Duration::from_secs(6);
const LOOK: Duration = Duration::from_millis(20);

/// What became of the credentials of one extent.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rotated {
    /// The act.
    pub rotation: String,
    /// What it reached.
    pub extent: Extent,
    /// What became of how many.
    pub totals: Vec<(&'static str, usize)>,
    /// Whether nothing of it failed.
    pub whole: bool,
    /// The digest of its report, as the log has it.
    pub report: String,
}

/// Goes on with a containment until it is through. `seen` is told as soon as it is known that nothing runs and nothing goes out, or
/// that this is not known. Gives the incident as it is then, and what became of credentials.
pub async fn carry_on(
    host: &Arc<Host>,
    id: &IncidentId,
    actor: &Actor,
    seen: impl FnOnce(&Incident) -> Result<()> + Send,
) -> Result<(Incident, Vec<Rotated>)> {
    let incident = reach(host, id).await?;
    let incident = egress(host, incident).await?;
    seen(&incident)?;
    let containment = containment(&incident)?;
    if containment.through.is_some() || !containment.holds() {
        return Ok((incident, Vec::new()));
    }
    let rotated = Box::pin(rotate(host, containment, id, actor)).await?;
    if !rotated.iter().all(|one| one.whole) {
        return Ok((incident, rotated));
    }
    let now = host.clock.now();
    let incident = desk(host, person()).update(id, move |one| one.through = Some(now)).await?;
    Ok((incident, rotated))
}

fn containment(incident: &Incident) -> Result<&Containment> {
    incident.containment.as_ref().with_context(|| {
        format!("incident {} is not contained; 'portcullis incident contain {}' does that", incident.id, incident.id)
    })
}

/// Waits until the running host says that nothing runs; where none does, a round of this process says so.
async fn reach(host: &Arc<Host>, id: &IncidentId) -> Result<Incident> {
    if let Some(_alone) = host.home.try_lock()? {
        Enforcer::new(host.clone(), None).tick().await?;
    }
    let patience = Instant::now() + PATIENCE;
    loop {
        let incident = desk(host, person()).find(id).await?;
        let known = containment(&incident)?.reach.is_some_and(|reach| reach.calls_left == 0);
        if known || !containment(&incident)?.holds() || Instant::now() >= patience {
            return Ok(incident);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until the running host says that nothing goes out.
async fn egress(host: &Arc<Host>, incident: Incident) -> Result<Incident> {
    let one = containment(&incident)?;
    // They came in one transaction: whoever has seen the last has seen all.
    let last = one.freezes.last().map(|(number, _)| *number);
    let known = one.egress.is_some_and(|egress| egress.left == 0);
    let Some(last) = last.filter(|_| !known && one.holds()) else { return Ok(incident) };
    let reached = rotation::AuditReach(host.clone()).reached(last).await?;
    Ok(desk(host, person()).update(&incident.id, move |one| one.egress = Some(reached)).await?)
}

async fn rotate(host: &Arc<Host>, containment: &Containment, id: &IncidentId, actor: &Actor) -> Result<Vec<Rotated>> {
    if containment.rotates.is_empty() {
        return Ok(Vec::new());
    }
    let whose = rotation::whose(host, &containment.rotates).await?;
    let _turn = rotation::turn(host, whose.as_ref()).await?;
    let rotator = rotation::rotator(host, actor.clone(), containment.platform);
    let (why, quiet) = (reason(id), Arc::new(Quiet));
    let quiet: Arc<dyn Progress> = quiet;
    let mut all = Vec::new();
    for extent in &containment.rotates {
        let ours = |act: &Act| {
            act.extent == *extent && act.reason == why && act.mode == Mode::Emergency && act.started >= containment.at
        };
        let begun = host.store.acts().await?.into_iter().rfind(ours);
        let (act, lines) = match begun {
            None => {
                let (extent, overlap) = (extent.clone(), Duration::ZERO);
                let order = Order { mode: Mode::Emergency, extent, reason: why.clone(), only: None, overlap };
                rotator.carry_out(order, quiet.clone()).await?
            }
            Some(act) => {
                let lines = host.store.lines(&act.id).await?;
                match act.ended.is_some() && !lines.iter().any(Line::is_open) {
                    true => (act, lines),
                    false => rotator.go_on(&act.id, quiet.clone()).await?,
                }
            }
        };
        all.push(signed(host, act, lines, actor.clone()).await?);
    }
    Ok(all)
}

async fn signed(host: &Host, act: Act, lines: Vec<Line>, by: Actor) -> Result<Rotated> {
    let report = Report::new(act, lines);
    let signed = rotation::sign(host, &report, by).await?;
    Ok(Rotated {
        rotation: report.act.id.to_string(),
        extent: report.act.extent.clone(),
        totals: report.totals.named(),
        whole: report.is_whole(),
        report: signed.digest.to_string(),
    })
}
