//! Installing a release in a tenant, and changing what an installation may do.
//!
//! Invariants: a release is verified before anything of it is stored, and a refusal is in the audit log; a grant lies
//! within what that release's manifest asks for; every change is a compare-and-swap on the generation, written together
//! with its audit entry, or it does not happen.

mod change;
mod error;
mod prospect;
mod publish;
mod rollback;
mod uninstall;
pub mod upgrade;

pub use error::InstallError;
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder},
    catalogue::Catalogue,
    id::{InstallationId, PluginId, TenantId},
    installation::{Installation, InstallationState, InstallationStore},
    limits::Limits,
    release::{ReleaseError, ReleaseId},
    scope::ScopeText,
    time::{Clock, Rng},
    upgrade::UpgradePolicy,
};
pub use prospect::{ProspectError, vetoes};
pub use publish::Published;

use crate::{
    check::{Examined, Registry},
    coverage::{Coverage, coverage},
    manifest::Manifest,
    release_dir::ReleaseFiles,
    trust::keeper::{Keeper, KeeperError},
};

/// The most that the scopes of one grant may take as text, in bytes: an audit entry holds two of them, before and after.
const MAX_GRANT: usize = 24 * 1024;

/// What an admin asks for.
#[derive(Clone, Debug)]
pub struct Order {
    /// In which tenant.
    pub tenant: TenantId,
    /// What to grant; `None` means all scopes that the manifest does not call optional, as they are.
    pub grant: Option<Vec<ScopeText>>,
    /// What one call may use; `None` means what the manifest asks for.
    pub limits: Option<Limits>,
}

/// Installs plugins and changes installations, on behalf of one actor.
pub struct Installer<'a> {
    /// Where releases lie and how they are checked.
    pub registry: &'a Registry,
    /// Where installations lie.
    pub installations: &'a dyn InstallationStore,
    /// Where a refusal is written.
    pub recorder: &'a dyn Recorder,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Randomness for ids.
    pub rng: &'a dyn Rng,
    /// Who asks for it.
    pub actor: Actor,
    /// Whether that is whoever runs the host: what they suspend, they alone resume.
    pub platform: bool,
}

impl Installer<'_> {
    /// Verifies a release, stores it, and adds an installation that is active at once.
    ///
    /// Errors: a release that fails verification is recorded as `release.refused` before the error is returned.
    pub async fn install(&self, files: &ReleaseFiles, order: Order) -> Result<Installation, InstallError> {
        let mut statements = self.registry.statements().statements(&files.stored.id()).await?;
        statements.extend(files.statements.iter().cloned());
        let examined = self.registry.examine(&files.stored, &statements, Some(&files.component), &order.tenant).await;
        let Examined { release, manifest, .. } = match examined {
            Ok(examined) => examined,
            Err(error) => return Err(self.refused(error, &order.tenant, "install").await),
        };
        self.not_older(&files.stored.id(), &statements, &order.tenant, &manifest).await?;
        self.not_suspended(&order.tenant, &manifest.id).await?;
        let granted = order.grant.unwrap_or_else(|| manifest.required());
        within(&granted, &manifest, self.registry.rules().catalogue)?;
        let installation = Installation {
            id: InstallationId::random(self.rng),
            tenant: order.tenant,
            plugin: release.plugin,
            release: release.digest,
            manifest: manifest.digest,
            version: release.version,
            number: release.number,
            state: InstallationState::Active,
            granted,
            limits: order.limits.unwrap_or(manifest.limits),
            upgrades: UpgradePolicy::Manual,
            previous: None,
            waiting: None,
            rolled_back: None,
            generation: 1,
        };
        let listed = self.store(files, &manifest).await?;
        self.registry.store().list_release(listed, None).await?;
        self.keep_statements(files).await?;
        let entry = self.entry(Kind::PluginInstalled, &installation).with("release-number", manifest.release);
        self.put(installation, None, entry.with("publisher", manifest.publisher.as_str())).await
    }

    /// What changes whom the host trusts, in the name of the same actor.
    pub fn keeper(&self) -> Keeper<'_> {
        Keeper { registry: self.registry, clock: self.clock, actor: self.actor.clone() }
    }

    /// Fails for a release older than one that the tenant had already, unless those who may do that let it.
    async fn not_older(
        &self,
        id: &ReleaseId,
        statements: &[String],
        tenant: &TenantId,
        manifest: &Manifest,
    ) -> Result<(), InstallError> {
        let highest = self.registry.statements().highest_release(tenant, &manifest.id).await?;
        match highest {
            Some(highest) if manifest.release < highest => {
                let trust = self.registry.trust().await?.map_err(KeeperError::from)?;
                if trust.may_go_back(id, statements, tenant, self.clock.now()) {
                    return Ok(());
                }
                Err(InstallError::Older { plugin: manifest.id.clone(), release: manifest.release, highest })
            }
            _ => Ok(()),
        }
    }

    /// Fails where the platform suspended an installation of the same plugin there: it is not installed anew around that.
    pub async fn not_suspended(&self, tenant: &TenantId, plugin: &PluginId) -> Result<(), InstallError> {
        for one in self.installations.installations().await? {
            if one.tenant == *tenant && one.plugin == *plugin {
                self.may_run_again(&one)?;
            }
        }
        Ok(())
    }

    async fn keep_statements(&self, files: &ReleaseFiles) -> Result<(), InstallError> {
        let keeper = self.keeper();
        for statement in &files.statements {
            // Reviewers of other places vetted it too; what they say is nothing to this host.
            match keeper.state(&files.stored.id(), statement).await {
                Ok(_) | Err(KeeperError::Stranger(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Fails where [`Installer::keep_statements`] would; nothing is kept.
    async fn check_statements(&self, files: &ReleaseFiles) -> Result<(), InstallError> {
        let keeper = self.keeper();
        for statement in &files.statements {
            match keeper.read(&files.stored.id(), statement).await {
                Ok(_) | Err(KeeperError::Stranger(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Records that a release was refused for a tenant, and gives the error for it.
    pub async fn refused(&self, error: ReleaseError, tenant: &TenantId, at: &str) -> InstallError {
        self.refuse(error, Some(tenant), at).await
    }

    async fn refuse(&self, error: ReleaseError, tenant: Option<&TenantId>, at: &str) -> InstallError {
        let ReleaseError::Refused { digest, reason } = &error else { return error.into() };
        let entry = Entry::new(self.clock.now(), Kind::ReleaseRefused, self.actor.clone(), tenant.cloned())
            .about(format!("release:{digest}"))
            .with("at", at)
            .with("reason", reason.as_str());
        match self.recorder.record(vec![entry]).await {
            Ok(()) => error.into(),
            Err(unrecorded) => InstallError::Unrecorded { refusal: error.to_string(), source: unrecorded },
        }
    }

    /// An entry about an installation: who it is, what it runs, what it is granted.
    fn entry(&self, kind: Kind, installation: &Installation) -> Entry {
        let granted: Vec<String> = installation.granted.iter().map(ToString::to_string).collect();
        Entry::new(self.clock.now(), kind, self.actor.clone(), Some(installation.tenant.clone()))
            .about(format!("installation:{}", installation.id))
            .with("plugin", installation.plugin.as_str())
            .with("version", installation.version.as_str())
            .with("digest", installation.release.to_string())
            .with("manifest-digest", installation.manifest.to_string())
            .with("generation", installation.generation)
            .with("scopes", granted)
    }

    async fn put(
        &self,
        installation: Installation,
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<Installation, InstallError> {
        if installation.state == InstallationState::Active
            && let Some(held) = self.installations.held_by(&installation).await?
        {
            return Err(InstallError::Held(installation.id, held));
        }
        match self.installations.put_installation(installation.clone(), expected, entry).await? {
            true => Ok(installation),
            false => Err(InstallError::Conflict(installation.id)),
        }
    }
}

/// Checks that every scope of a grant lies within what the manifest asks for.
fn within(granted: &[ScopeText], manifest: &Manifest, catalogue: &dyn Catalogue) -> Result<(), InstallError> {
    let length: usize = granted.iter().map(|scope| scope.to_string().len() + 4).sum();
    if length > MAX_GRANT {
        return Err(InstallError::GrantTooLong(length));
    }
    let asked = manifest.asked();
    for scope in granted {
        // Says what is wrong with it, where no capability understands it at all.
        catalogue.describe(scope)?;
        let (coverage, allowed) = coverage(catalogue, scope, &asked)?;
        if coverage != Coverage::Whole {
            return Err(InstallError::Beyond { scope: scope.clone(), at_most: at_most(scope, &allowed, &asked) });
        }
    }
    Ok(())
}

/// What could be granted instead: the part that is asked for, or else all that is asked for of that capability.
fn at_most(scope: &ScopeText, allowed: &[ScopeText], asked: &[ScopeText]) -> String {
    let same = asked.iter().filter(|one| one.capability() == scope.capability());
    let choice: Vec<String> = match allowed {
        [] => same.map(ToString::to_string).collect(),
        some => some.iter().map(ToString::to_string).collect(),
    };
    match choice.is_empty() {
        true => format!("it asks for nothing of '{}'", scope.capability()),
        false => format!("grant at most: {}", choice.join("; ")),
    }
}

#[cfg(test)]
mod life_test;
#[cfg(test)]
mod tests;
