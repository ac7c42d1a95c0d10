//! Newer releases that installations take by themselves.
//!
//! Whenever a release is listed, a verdict or root changes, or an installation does, every installation with a policy is
//! looked at: the newest release that its policy takes, that may run in its tenant and that asks for no more, is taken; a newer
//! one that asks for more waits, and an admin is told for what.
//!
//! Invariants: what is taken was planned and verified by the same code as what an admin orders; what is refused is recorded
//! once; whatever fails is tried again at the next change, and nothing is skipped because the store failed.

use std::{collections::HashSet, sync::Arc, time::Duration};

use anyhow::Result;
use portcullis_model::{
    audit::Actor,
    id::InstallationId,
    installation::{Installation, InstallationState, InstallationStore as _},
    release::{ReleaseError, ReleaseId, ReleaseStore as _},
    trust::TrustStore as _,
    upgrade::UpgradePolicy,
};
use portcullis_packages::install::{
    InstallError, Installer,
    upgrade::{Agreed, Next, UpgradePlan},
};
use tokio::sync::watch;

use crate::host::Host;

/// How often changes are looked for.
const TICK: Duration = Duration::from_millis(500);

/// Takes newer releases, by each installation's policy.
pub struct Upgrader {
    host: Arc<Host>,
    seen: Option<(u64, u64, u64)>,
    refused: HashSet<(InstallationId, ReleaseId, String)>,
}

impl Upgrader {
    /// For this host.
    pub fn new(host: Arc<Host>) -> Self {
        Self { host, seen: None, refused: HashSet::new() }
    }

    /// Looks for changes until `stop` turns true.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.tick().await {
                tracing::error!(
                    error = format!("{error:#}"),
                    "newer releases could not be looked at; it is tried again"
                );
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

    /// One look. Gives the installations that run another release now.
    pub async fn tick(&mut self) -> Result<Vec<Installation>> {
        let store = &self.host.store;
        let now =
            (store.trust_revision().await?, store.installations_revision().await?, store.releases_revision().await?);
        if self.seen == Some(now) {
            return Ok(Vec::new());
        }
        let mut upgraded = Vec::new();
        for installation in self.host.store.installations().await? {
            if installation.upgrades != UpgradePolicy::Manual && installation.state == InstallationState::Active {
                upgraded.extend(self.one(&installation).await?);
            }
        }
        // What changed by this is looked at again, once.
        self.seen = Some(now);
        Ok(upgraded)
    }

    async fn one(&mut self, installation: &Installation) -> Result<Option<Installation>> {
        let host = self.host.clone();
        let installer = Installer { actor: Actor::Host, platform: false, ..host.installer() };
        let mut waits: Option<UpgradePlan> = None;
        for listed in installer.newer(installation).await? {
            let plan = match installer.plan_upgrade(installation, &listed.id, &Agreed::default()).await {
                Ok(plan) => plan,
                Err(InstallError::Store(error)) => return Err(error.into()),
                Err(InstallError::Release(ReleaseError::Store(error))) => return Err(error.into()),
                Err(error) => {
                    self.refuse(&installer, installation, listed.id, error).await?;
                    continue;
                }
            };
            match plan.next {
                _ if !plan.by_policy => {}
                Next::Wait => waits = waits.or(Some(plan)),
                Next::Apply => match installer.upgrade(&installation.id, &listed.id, &Agreed::default(), true).await {
                    // A newer one that waits is noted when this change is looked at.
                    Ok(upgraded) => {
                        tracing::info!(installation = %upgraded.id, version = upgraded.version, "upgraded by policy");
                        return Ok(Some(upgraded));
                    }
                    Err(error) => return settle(error),
                },
            }
        }
        match waits {
            Some(plan) => match installer.wait(&installation.id, &plan).await {
                Ok(_) => Ok(None),
                Err(error) => settle(error),
            },
            None => Ok(None),
        }
    }

    /// Records a refusal, once.
    async fn refuse(
        &mut self,
        installer: &Installer<'_>,
        installation: &Installation,
        release: ReleaseId,
        error: InstallError,
    ) -> Result<()> {
        if !self.refused.insert((installation.id.clone(), release, error.to_string())) {
            return Ok(());
        }
        match error {
            InstallError::Release(refused @ ReleaseError::Refused { .. }) => {
                if let InstallError::Unrecorded { source, .. } =
                    installer.refused(refused, &installation.tenant, "upgrade").await
                {
                    return Err(source.into());
                }
            }
            other => tracing::warn!(installation = %installation.id, error = %other, "a newer release is left aside"),
        }
        Ok(())
    }
}

/// Somebody who was faster changed something, so that it is looked at again; anything else is an error.
fn settle(error: InstallError) -> Result<Option<Installation>> {
    match error {
        InstallError::Conflict(_)
        | InstallError::Gone(_)
        | InstallError::Held(..)
        | InstallError::ByPlatform { .. } => Ok(None),
        other => Err(other.into()),
    }
}
