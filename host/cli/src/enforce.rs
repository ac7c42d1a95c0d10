//! Holding every installation against what is trusted, whenever that changes and when its time is over.
//!
//! An installation whose release does not hold any more is suspended, the calls that it has under way are ended, and how long
//! that took is in the log (MNT-3, INC-1).
//!
//! Invariants: what cannot be judged because the store fails is judged again, and nothing is suspended for it; an entry
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
use tokio::sync::watch;

use crate::host::Host;

/// How often changes are looked for.
const TICK: Duration = Duration::from_millis(250);
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
    /// Those that were suspended, with the reason.
    pub suspended: Vec<(InstallationId, String)>,
    /// Calls that were under way and were ended.
    pub ended: usize,
    /// Calls that did not end in time.
    pub left: usize,
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
        let mut stopped: Vec<(InstallationId, u64)> = Vec::new();
        for installation in self.host.store.installations().await? {
            if installation.state != InstallationState::Active {
                stopped.push((installation.id, installation.generation));
                continue;
            }
            round.judged += 1;
            match self.host.registry.verified(&installation.release_id(), &installation.tenant).await {
                Ok(release) => until = until.min(release.until),
                Err(ReleaseError::Store(error)) => return Err(error.into()),
                Err(refused) => {
                    stopped.push((installation.id.clone(), installation.generation));
                    self.suspend(&installation, refused.to_string(), &mut round).await?;
                }
            }
        }
        self.until = until;
        self.end(&stopped, &mut round).await;
        if trust_changed || !round.suspended.is_empty() {
            self.record(revision, &round, began.elapsed()).await?;
        }
        Ok(round)
    }

    async fn suspend(&self, installation: &Installation, reason: String, round: &mut Round) -> Result<()> {
        let installer = Installer { actor: Actor::Host, ..self.host.installer() };
        match installer.suspend(&installation.id, &reason).await {
            Ok(_) => round.suspended.push((installation.id.clone(), reason)),
            // Somebody changed it just now: the next round looks again.
            Err(InstallError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn end(&self, stopped: &[(InstallationId, u64)], round: &mut Round) {
        let Some(runtime) = &self.runtime else { return };
        round.ended = stopped.iter().map(|(id, generation)| runtime.end(id, *generation)).sum();
        let patience = Instant::now() + PATIENCE;
        loop {
            round.left = stopped.iter().map(|(id, _)| runtime.live(id)).sum();
            if round.left == 0 || Instant::now() >= patience {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn record(&self, revision: u64, round: &Round, took: Duration) -> Result<()> {
        let ids: Vec<String> = round.suspended.iter().map(|(id, _)| id.to_string()).collect();
        let entry = Entry::new(self.host.clock.now(), Kind::TrustEnforced, Actor::Host, None)
            .with("revision", revision)
            .with("judged", round.judged)
            .with("suspended", ids)
            .with("calls-ended", round.ended)
            .with("calls-left", round.left)
            .with("took-ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        Ok(self.host.store.record(vec![entry]).await?)
    }
}
