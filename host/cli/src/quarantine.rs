//! Stopping a release everywhere without anybody being asked, where the configuration says so: because tenants report it, or
//! because of what is known of its dependencies.
//!
//! Where this host holds its own root key, that is a signed quarantine: nothing runs and nothing is installed until somebody who
//! may do that lifts it. Where others keep that key, each installation is suspended, and an admin can resume it.
//!
//! Invariants: nobody is asked for a passphrase here; what is quarantined already is not quarantined again.

use std::path::{Path, PathBuf};

use anyhow::Result;
use async_trait::async_trait;
pub use portcullis_api::admin::v1::reviews::Stopped;
use portcullis_api::admin::v1::reviews::Stops;
use portcullis_model::{
    audit::Actor,
    id::InstallationId,
    installation::{InstallationState, InstallationStore as _},
    release::ReleaseId,
    review::{Misbehaviour, ReviewStore as _},
    trust::RootScope,
};
use portcullis_packages::{
    install::{InstallError, Installer},
    keys::{KeyError, Passphrase, SecretKey, Unlock},
    review::misbehaviour::reporters,
    trust::{
        By,
        keeper::Keeper,
        withdrawal::{Act, Target, Withdrawal},
    },
};

use crate::host::Host;

/// Opens keys without a passphrase, and no others.
struct Unattended;

impl Unlock for Unattended {
    fn passphrase(&self, file: &Path) -> Result<Passphrase, KeyError> {
        let why = "nobody is there to ask".to_owned();
        Err(KeyError::NoPassphrase { path: file.to_owned(), why })
    }

    fn agent(&self) -> Option<PathBuf> {
        None
    }
}

/// Stops a release everywhere.
pub async fn stop(host: &Host, release: &ReleaseId, target: Target, reason: &str) -> Result<Stopped> {
    // Two that see it at the same moment sign one quarantine, and not two of which somebody lifts the first.
    let _alone = host.stopping.lock().await;
    if is_quarantined(host, &target).await? {
        return Ok(Stopped::Already);
    }
    match quarantine(host, target, reason).await {
        Ok(()) => Ok(Stopped::Quarantined),
        Err(error) => {
            tracing::info!(%error, "a quarantine cannot be signed here; installations are suspended instead");
            Ok(Stopped::Suspended(suspend(host, release, reason).await?))
        }
    }
}

/// How that would be done. Nothing is.
pub async fn would_stop(host: &Host, release: &ReleaseId, target: &Target) -> Result<Stopped> {
    if is_quarantined(host, target).await? {
        return Ok(Stopped::Already);
    }
    let signs = SecretKey::load(&host.home.root_key(), &Unattended).is_ok();
    Ok(if signs { Stopped::Quarantined } else { Stopped::Suspended(running(host, release).await?.len()) })
}

async fn is_quarantined(host: &Host, target: &Target) -> Result<bool> {
    let trust = host.registry.trust().await??;
    // What a tenant quarantined at home stops it nowhere else.
    let everywhere = |by: &By| !matches!(by, By::Root(RootScope::Tenant(_)));
    Ok(trust.withdrawals().iter().any(|one| one.target == *target && everywhere(&one.by)))
}

/// The installations of a release that are active.
async fn running(host: &Host, release: &ReleaseId) -> Result<Vec<InstallationId>> {
    let all = host.store.installations().await?.into_iter();
    let active = all.filter(|one| one.release_id() == *release && one.state == InstallationState::Active);
    Ok(active.map(|one| one.id).collect())
}

async fn quarantine(host: &Host, target: Target, reason: &str) -> Result<()> {
    let key = SecretKey::load(&host.home.root_key(), &Unattended)?;
    let withdrawal =
        Withdrawal { what: Act::Quarantine { target }, reason: reason.to_owned(), issued: host.clock.now() };
    let keeper = Keeper { actor: Actor::Host, ..host.keeper() };
    keeper.withdrawal(&withdrawal.signed(&key)?.to_json()).await?;
    Ok(())
}

async fn suspend(host: &Host, release: &ReleaseId, reason: &str) -> Result<usize> {
    // It stands for a quarantine that could not be signed: whoever runs the host lets it go on.
    let installer = Installer { actor: Actor::Host, ..host.installer() };
    let running = running(host, release).await?;
    for id in &running {
        // Somebody may change it at the same time: then it is looked at again.
        loop {
            match installer.suspend(id, reason).await {
                Ok(_) => break,
                Err(InstallError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(running.len())
}

/// Stops a release that as many tenants report as the configuration says. `None`: they are fewer, or none is enough.
pub async fn after_report(host: &Host, report: &Misbehaviour) -> Result<Option<Stopped>> {
    let Some(enough) = host.config.review.quarantine_after_reports else { return Ok(None) };
    let release = report.release();
    if reporters(&host.store.misbehaviours().await?, &release) < enough.get() {
        return Ok(None);
    }
    let target = Target::Component { plugin: report.plugin.clone(), digest: report.component };
    // Not who, nor how many: every tenant that runs it reads that.
    stop(host, &release, target, "reported for misbehaviour, under review").await.map(Some)
}

#[async_trait]
impl Stops for Host {
    async fn after_report(&self, report: &Misbehaviour) -> Result<Option<Stopped>, String> {
        after_report(self, report).await.map_err(|error| format!("{error:#}"))
    }
}
