//! Holding every installation against what is trusted, whenever that changes and when its time is over.
//!
//! An installation whose release does not hold any more is suspended, the calls that it has under way are ended, and how long
//! that took is in the log (MNT-3, INC-1).
//!
//! Invariants: what cannot be judged because the store fails is judged again, nothing is suspended for it, and it keeps nothing
//! else from being judged; calls end as soon as their installation is refused, before anything else is looked at; an entry
//! `trust.enforced` says that everything was held against that revision and that no call of what was refused goes on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use portcullis_capabilities::Capabilities;
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    id::InstallationId,
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
const NAMED: usize = 400;
/// How long calls that were told to end are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is enforced, and how far it got.
pub struct Enforcer {
    host: Arc<Host>,
    runtime: Option<Arc<Runtime<Capabilities>>>,
    seen: Option<(u64, u64)>,
    until: Timestamp,
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
}

/// An installation whose release does not hold.
struct Refused {
    installation: Installation,
    reason: String,
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
        Self { host, runtime, seen: None, until: Timestamp(i64::MIN) }
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
        let now = (store.trust_revision().await?, store.installations_revision().await?);
        if self.seen == Some(now) && self.host.clock.now() < self.until {
            return Ok(None);
        }
        let trust_changed = self.seen.is_some_and(|(trust, _)| trust != now.0);
        let round = self.round(now.0, trust_changed).await?;
        // What the round itself changed is looked at again, once, and found to be as it must.
        self.seen = Some(now);
        Ok(Some(round))
    }

    async fn round(&mut self, revision: u64, trust_changed: bool) -> Result<Round> {
        let began = Instant::now();
        let mut round = Round::default();
        let mut until = Timestamp(i64::MAX);
        let mut failed = None;
        let (mut stopped, mut refused): (Vec<InstallationId>, Vec<Refused>) = (Vec::new(), Vec::new());
        for installation in self.host.store.installations().await? {
            if matches!(installation.state, InstallationState::Erased { .. }) {
                continue;
            }
            if installation.state != InstallationState::Active {
                round.ended += self.end(&installation);
                stopped.push(installation.id);
                continue;
            }
            round.judged += 1;
            match self.host.registry.verified(&installation.release_id(), &installation.tenant).await {
                Ok(release) => until = until.min(release.until),
                Err(ReleaseError::Store(error)) => failed = Some(error),
                Err(error) => {
                    let calls = self.end(&installation);
                    round.ended += calls;
                    stopped.push(installation.id.clone());
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
        let installer = Installer { actor: Actor::Host, ..self.host.installer() };
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
    async fn ended(&self, stopped: &[InstallationId], round: &mut Round) {
        let Some(runtime) = &self.runtime else { return };
        let patience = Instant::now() + PATIENCE;
        loop {
            round.left = stopped.iter().map(|id| runtime.live(id)).sum();
            if round.left == 0 || Instant::now() >= patience {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn record(&self, revision: u64, round: &Round, took: Duration) -> Result<()> {
        let entry = |suspended: &[Suspended]| {
            let ids: Vec<&str> = suspended.iter().map(|one| one.installation.as_str()).collect();
            let calls: Map<String, Value> =
                suspended.iter().map(|one| (one.installation.to_string(), one.calls.into())).collect();
            Entry::new(self.host.clock.now(), Kind::TrustEnforced, Actor::Host, None)
                .with("revision", revision)
                .with("judged", round.judged)
                .with("suspended", ids)
                .with("calls", calls)
                .with("calls-ended", round.ended)
                .with("calls-left", round.left)
                .with("took-ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
        };
        let entries = match round.suspended.is_empty() {
            true => vec![entry(&[])],
            false => round.suspended.chunks(NAMED).map(entry).collect(),
        };
        Ok(self.host.store.record(entries).await?)
    }
}
