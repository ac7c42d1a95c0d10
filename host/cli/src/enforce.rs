//! Holding every installation against what is trusted, whenever that changes and when its time is over.
//!
//! An installation whose release does not hold any more is suspended, the calls that it has under way are ended, and how long
//! that took is in the log (MNT-3, INC-1).
//!
//! Invariants: what cannot be judged because the store fails is judged again, nothing is suspended for it, and it keeps nothing
//! else from being judged; calls end as soon as their installation is refused, before anything else is looked at; an entry
//! `trust.enforced` says that everything was held against that revision and that no call of what was refused goes on;
//! an entry `incident.enforced` says the same of what was contained, and how many calls do go on where some do.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use portcullis_capabilities::Capabilities;
use portcullis_duties::incident;
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    id::{IncidentId, InstallationId},
    incident::{IncidentStore as _, Reach},
    installation::{Installation, InstallationState, InstallationStore as _},
    release::{ReleaseError, Releases as _},
    time::Timestamp,
    trust::TrustStore as _,
};
use portcullis_packages::install::{InstallError, Installer};
use portcullis_runtime::Runtime;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::host::Host;

/// How often changes are looked for.
const TICK: Duration = Duration::from_millis(250);
/// At most how many installations one entry of the log names: an entry has a bounded length.
const NAMED: usize = 250;
/// How long calls that were told to end are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is enforced, and how far it got.
pub struct Enforcer {
    host: Arc<Host>,
    runtime: Option<Arc<Runtime<Capabilities>>>,
    seen: Option<(u64, u64)>,
    until: Timestamp,
    /// What the last round ended: perhaps of a containment that it did not know of yet.
    before: HashMap<InstallationId, usize>,
}

/// What one round did.
#[derive(Debug, Default)]
pub struct Round {
    /// Installations that were held against what is trusted.
    pub judged: usize,
    /// Those that were suspended.
    pub suspended: Vec<Suspended>,
    /// Calls that were under way and were ended.
    pub ended: usize,
    /// Calls that did not end in time.
    pub left: usize,
    /// Of them, those of each installation that has any.
    pub left_of: BTreeMap<InstallationId, usize>,
}

/// An installation whose release does not hold.
struct Refused {
    installation: Installation,
    reason: String,
    calls: usize,
}

/// An installation that may not run, and how many calls it had under way.
struct Ended {
    installation: Installation,
    calls: usize,
}

/// An installation that was suspended.
#[derive(Debug)]
pub struct Suspended {
    /// Which.
    pub installation: InstallationId,
    /// Why.
    pub reason: String,
    /// Calls that it had under way.
    pub calls: usize,
}

impl Enforcer {
    /// For this host; without a runtime where nothing runs.
    pub fn new(host: Arc<Host>, runtime: Option<Arc<Runtime<Capabilities>>>) -> Self {
        Self { host, runtime, seen: None, until: Timestamp(i64::MIN), before: HashMap::new() }
    }

    /// Looks for changes until `stop` turns true.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.tick().await {
                tracing::error!(%error, "installations could not be held against what is trusted; it is tried again");
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = stop.changed() => {}
            }
            if *stop.borrow() {
                return;
            }
        }
    }

    /// One look: a round where something changed or has expired.
    pub async fn tick(&mut self) -> Result<Option<Round>> {
        let store = &self.host.store;
        // Before the installations: what a containment suspended is among those that are read after it.
        let contained = store.unreached().await?;
        let now = (store.trust_revision().await?, store.installations_revision().await?);
        if contained.is_empty() && self.seen == Some(now) && self.host.clock.now() < self.until {
            return Ok(None);
        }
        let trust_changed = self.seen.is_some_and(|(trust, _)| trust != now.0);
        let round = self.round(now.0, trust_changed, &contained).await?;
        // What the round itself changed is looked at again, once, and found to be as it must.
        self.seen = Some(now);
        Ok(Some(round))
    }

    async fn round(&mut self, revision: u64, trust_changed: bool, contained: &[IncidentId]) -> Result<Round> {
        let began = Instant::now();
        let mut round = Round::default();
        let mut until = Timestamp(i64::MAX);
        let mut failed = None;
        let (mut stopped, mut refused): (Vec<Ended>, Vec<Refused>) = (Vec::new(), Vec::new());
        let mut installations = self.host.store.installations().await?;
        // What must not run is ended first: the others take longer to look at.
        installations.sort_by_key(|one| one.state == InstallationState::Active);
        for installation in installations {
            if matches!(installation.state, InstallationState::Erased { .. }) {
                continue;
            }
            if installation.state != InstallationState::Active {
                let calls = self.end(&installation);
                round.ended += calls;
                stopped.push(Ended { installation, calls });
                continue;
            }
            round.judged += 1;
            match self.host.registry.verified(&installation.release_id(), &installation.tenant).await {
                Ok(release) => until = until.min(release.until),
                Err(ReleaseError::Store(error)) => failed = Some(error),
                Err(error) => {
                    let calls = self.end(&installation);
                    round.ended += calls;
                    stopped.push(Ended { installation: installation.clone(), calls });
                    refused.push(Refused { installation, reason: error.to_string(), calls });
                }
            }
        }
        // What was refused can begin no call any more; only now is there time to write that down.
        for one in refused {
            self.suspend(one, &mut round).await?;
        }
        self.until = until;
        self.ended(&stopped, &mut round).await;
        self.contained(contained, &stopped).await?;
        let ended = stopped.into_iter().filter(|one| one.calls > 0);
        self.before = ended.map(|one| (one.installation.id, one.calls)).collect();
        if trust_changed || !round.suspended.is_empty() {
            self.record(revision, &round, began.elapsed()).await?;
        }
        match failed {
            None => Ok(round),
            Some(error) => Err(error.into()),
        }
    }

    async fn suspend(&self, refused: Refused, round: &mut Round) -> Result<()> {
        let Refused { installation, reason, calls } = refused;
        let installer = Installer { actor: Actor::Host, platform: false, ..self.host.installer() };
        match installer.suspend(&installation.id, &reason).await {
            Ok(_) => round.suspended.push(Suspended { installation: installation.id, reason, calls }),
            // Somebody changed it just now: the next round looks again.
            Err(InstallError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Tells all calls of this generation and older ones to end. Gives how many there were.
    fn end(&self, installation: &Installation) -> usize {
        self.runtime.as_ref().map_or(0, |runtime| runtime.end(&installation.id, installation.generation))
    }

    /// Waits until no call of these goes on.
    async fn ended(&self, stopped: &[Ended], round: &mut Round) {
        let Some(runtime) = &self.runtime else { return };
        let patience = Instant::now() + PATIENCE;
        loop {
            let live = |one: &Ended| match runtime.live(&one.installation.id) {
                0 => None,
                left => Some((one.installation.id.clone(), left)),
            };
            round.left_of = stopped.iter().filter_map(live).collect();
            round.left = round.left_of.values().sum();
            if round.left == 0 || Instant::now() >= patience {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Says of containments that nothing of them runs any more, or how much still does.
    async fn contained(&self, contained: &[IncidentId], stopped: &[Ended]) -> Result<()> {
        for id in contained {
            let Some(incident) = self.host.store.incident(id).await? else { continue };
            let Some(containment) = &incident.containment else { continue };
            let (mut calls, mut left) = (0, 0);
            for one in stopped.iter().filter(|one| incident.subject.reaches(&one.installation, &containment.holders)) {
                let id = &one.installation.id;
                calls += one.calls.max(self.before.get(id).copied().unwrap_or_default());
                left += self.runtime.as_ref().map_or(0, |runtime| runtime.live(id));
            }
            let (at, host_runs) = (self.host.clock.now(), self.runtime.is_some());
            let reach = Reach { at, log_index: 0, host_runs, calls_ended: calls as u64, calls_left: left as u64 };
            let entry = incident::entry(at, Kind::IncidentEnforced, Actor::Host, &incident)
                .with("host-runs", host_runs)
                .with("calls-ended", calls)
                .with("calls-left", left)
                .with("took-ms", u64::try_from(at.0 - containment.at.0).unwrap_or(0));
            self.host.store.reached(id, reach, entry).await?;
        }
        Ok(())
    }

    async fn record(&self, revision: u64, round: &Round, took: Duration) -> Result<()> {
        let entry = |suspended: &[Suspended]| {
            let ids: Vec<&str> = suspended.iter().map(|one| one.installation.as_str()).collect();
            let calls: Map<String, Value> =
                suspended.iter().map(|one| (one.installation.to_string(), one.calls.into())).collect();
            let left = |one: &Suspended| {
                let left = *round.left_of.get(&one.installation)?;
                Some((one.installation.to_string(), Value::from(left)))
            };
            let left: Map<String, Value> = suspended.iter().filter_map(left).collect();
            Entry::new(self.host.clock.now(), Kind::TrustEnforced, Actor::Host, None)
                .with("revision", revision)
                .with("judged", round.judged)
                .with("suspended", ids)
                .with("calls", calls)
                .with("calls-ended", round.ended)
                .with("calls-left", round.left)
                .with("left", left)
                .with("took-ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
        };
        let entries = match round.suspended.is_empty() {
            true => vec![entry(&[])],
            false => round.suspended.chunks(NAMED).map(entry).collect(),
        };
        Ok(self.host.store.record(entries).await?)
    }
}
