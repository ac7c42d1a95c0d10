//! Carrying an upgrade out, and what goes with it: the policy, the list of newer releases, one that waits.
//!
//! Invariants: the release is verified for the tenant, and the plan made anew, right before the change; the change is a
//! compare-and-swap on the generation that the plan was made from.

use portcullis_model::{
    audit::{Kind, plain},
    id::InstallationId,
    installation::Installation,
    release::{ListedRelease, ReleaseError, ReleaseId, Releases as _},
    scope::ScopeText,
    upgrade::{Previous, UpgradePolicy, Waiting},
};

use super::{Agreed, Next, UpgradePlan, plan};
use crate::{
    diff::Side,
    inspect::Inspection,
    install::{InstallError, Installer},
    manifest::Manifest,
};

/// The most bytes that one list takes in an audit entry.
const MOST_LISTED: usize = 6 * 1024;

/// A release as it lies in the registry, whether or not it is trusted: to compare with, never to run.
pub struct Described {
    /// Its manifest.
    pub manifest: Manifest,
    /// What its component is.
    pub inspection: Inspection,
}

impl Described {
    /// As one side of a comparison.
    pub fn side(&self) -> Side<'_> {
        Side::new(&self.manifest, &self.inspection)
    }
}

impl Installer<'_> {
    /// Reads a release whose bytes are those that its id says. Nothing of it is trusted by that.
    pub async fn described(&self, id: &ReleaseId) -> Result<Described, InstallError> {
        let digest = id.component;
        let refused = |reason: String| ReleaseError::Refused { digest, reason };
        let stored = self.registry.store().release(id).await?.ok_or(ReleaseError::Missing(digest))?;
        if stored.id() != *id {
            return Err(refused("manifest digest mismatch: it is another release's".to_owned()).into());
        }
        let manifest = Manifest::parse(&stored.manifest).map_err(|error| refused(error.to_string()))?;
        let bytes = self.registry.component(id).await?;
        let inspection = Inspection::of(&bytes).map_err(|error| refused(error.to_string()))?;
        Ok(Described { manifest, inspection })
    }

    /// The listed releases that are newer than what an installation runs, the newest first.
    pub async fn newer(&self, installation: &Installation) -> Result<Vec<ListedRelease>, InstallError> {
        let all = self.registry.store().releases_of(&installation.plugin).await?;
        Ok(all.into_iter().filter(|one| one.number > installation.number).collect())
    }

    /// What an upgrade to this release would do. Changes and records nothing.
    ///
    /// # Errors
    /// The release does not hold in the installation's tenant; see also [`plan`].
    pub async fn plan_upgrade(
        &self,
        installation: &Installation,
        to: &ReleaseId,
        agreed: &Agreed,
    ) -> Result<UpgradePlan, InstallError> {
        let new = self.registry.examined(to, &installation.tenant).await?;
        let old = self.described(&installation.release_id()).await?;
        let new = Side::new(&new.manifest, &new.inspection);
        plan(installation, &old.side(), &new, to.component, self.registry.rules().catalogue, agreed)
    }

    /// Lets an installation run a newer release. `by_policy`: nobody was asked, so that it must be one that the policy takes.
    ///
    /// # Errors
    /// [`InstallError::Waits`] where an admin has to agree first. A release that does not hold is recorded as
    /// `release.refused`.
    pub async fn upgrade(
        &self,
        id: &InstallationId,
        to: &ReleaseId,
        agreed: &Agreed,
        by_policy: bool,
    ) -> Result<Installation, InstallError> {
        let old = self.living(id).await?;
        let plan = match self.plan_upgrade(&old, to, agreed).await {
            Err(InstallError::Release(error)) => return Err(self.refused(error, &old.tenant, "upgrade").await),
            other => other?,
        };
        if plan.next == Next::Wait || (by_policy && !plan.by_policy) {
            return Err(InstallError::Waits { plugin: plan.plugin, release: plan.to.release, why: plan.waits_for });
        }
        let previous = Previous {
            release: old.release,
            manifest: old.manifest,
            version: old.version.clone(),
            number: old.number,
            granted: old.granted.clone(),
            dropped: plan.dropped.clone(),
            limits: old.limits,
        };
        let new = Installation {
            release: to.component,
            manifest: to.manifest,
            version: plan.to.version.clone(),
            number: plan.to.release,
            granted: plan.grant.clone(),
            limits: plan.limits,
            previous: Some(previous),
            waiting: None,
            generation: old.generation + 1,
            ..old.clone()
        };
        let entry = self
            .entry(Kind::PluginUpgraded, &new)
            .with("from-version", old.version.as_str())
            .with("from-release", old.number)
            .with("from-digest", old.release.to_string())
            .with("release-number", new.number)
            .with("by", if by_policy { format!("policy {}", old.upgrades) } else { "admin".to_owned() })
            .with("added", scopes(&plan.added))
            .with("dropped", scopes(&plan.dropped))
            .with("could-grant", scopes(&plan.could_grant));
        let agreed = if agreed.everything { wider(&plan) } else { Vec::new() };
        self.put(new, Some(old.generation), entry.with("agreed-to", agreed)).await
    }

    /// Notes that a newer release waits for an admin, and for what. The same again changes nothing.
    pub async fn wait(&self, id: &InstallationId, plan: &UpgradePlan) -> Result<Installation, InstallError> {
        let old = self.living(id).await?;
        let waiting = Waiting {
            release: plan.release,
            manifest: plan.to.manifest,
            version: plan.to.version.clone(),
            number: plan.to.release,
            why: short(plan.waits_for.iter().map(|why| plain(why))),
        };
        if old.waiting.as_ref() == Some(&waiting) {
            return Ok(old);
        }
        let entry = self
            .entry(Kind::PluginUpgradeWaits, &old)
            .with("to-version", waiting.version.as_str())
            .with("to-release", waiting.number)
            .with("to-digest", waiting.release.to_string())
            .with("why", waiting.why.clone());
        let new = Installation { waiting: Some(waiting), generation: old.generation + 1, ..old.clone() };
        self.put(new, Some(old.generation), entry).await
    }

    /// Sets which newer releases an installation takes by itself.
    pub async fn set_policy(&self, id: &InstallationId, policy: UpgradePolicy) -> Result<Installation, InstallError> {
        let old = self.living(id).await?;
        if old.upgrades == policy {
            return Ok(old);
        }
        let new = Installation { upgrades: policy, generation: old.generation + 1, ..old.clone() };
        let entry = self.entry(Kind::PluginUpgradePolicy, &new).with("before", old.upgrades.to_string());
        self.put(new, Some(old.generation), entry.with("policy", policy.to_string())).await
    }
}

/// What an admin who agreed to everything agreed to.
fn wider(plan: &UpgradePlan) -> Vec<String> {
    short(plan.diff.wider().map(ToString::to_string))
}

fn scopes(all: &[ScopeText]) -> Vec<String> {
    short(all.iter().map(ToString::to_string))
}

/// A list that fits into an audit entry beside others.
fn short(all: impl Iterator<Item = String>) -> Vec<String> {
    let (mut list, mut room, mut left) = (Vec::new(), MOST_LISTED, 0);
    for text in all {
        match room.checked_sub(text.len()) {
            Some(rest) if left == 0 => {
                room = rest;
                list.push(text);
            }
            _ => left += 1,
        }
    }
    if left > 0 {
        list.push(format!("and {left} more"));
    }
    list
}
