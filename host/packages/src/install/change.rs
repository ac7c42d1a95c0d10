//! Changing an installation: its grant, and whether it runs.
//!
//! Invariants: a grant is checked against the manifest of the release that is installed, which is verified anew for it;
//! suspending needs nothing but the store, so that it works when the release no longer holds; what the platform suspended only the
//! platform lets go on.

use portcullis_model::{
    audit::Kind,
    id::InstallationId,
    installation::{Installation, InstallationState},
    limits::Limits,
    release::Releases as _,
    scope::ScopeText,
    upgrade::Previous,
};

use super::{InstallError, Installer, upgrade::kept, within};

impl Installer<'_> {
    /// Replaces what is granted: narrower or wider, within what the manifest asks for.
    pub async fn grant(&self, id: &InstallationId, granted: Vec<ScopeText>) -> Result<Installation, InstallError> {
        let old = self.living(id).await?;
        let examined = match self.registry.examined(&old.release_id(), &old.tenant).await {
            Ok(examined) => examined,
            Err(error) => return Err(self.refused(error, &old.tenant, "grant").await),
        };
        within(&granted, &examined.manifest, self.registry.rules().catalogue)?;
        let before: Vec<String> = old.granted.iter().map(ToString::to_string).collect();
        let previous = old.previous.clone().map(|previous| self.narrowed(previous, &granted)).transpose()?;
        let new = Installation { granted, previous, generation: old.generation + 1, ..old.clone() };
        let entry = self.entry(Kind::PluginGranted, &new).with("before", before);
        self.put(new, Some(old.generation), entry).await
    }

    /// Replaces what it may use, of a call and of an hour. More than the manifest asks for or the platform gives has no effect.
    pub async fn limit(&self, id: &InstallationId, limits: Limits) -> Result<Installation, InstallError> {
        let old = self.living(id).await?;
        let changed = |limits: &Limits, other: &Limits| -> Vec<String> {
            let pairs = limits.entries().into_iter().zip(other.entries());
            pairs.filter(|(a, b)| a != b).map(|((name, value), _)| format!("{name}={value}")).collect()
        };
        let (before, after) = (changed(&old.limits, &limits), changed(&limits, &old.limits));
        let previous =
            old.previous.clone().map(|previous| Previous { limits: previous.limits.meet(limits), ..previous });
        let new = Installation { limits, previous, generation: old.generation + 1, ..old.clone() };
        let entry = self.entry(Kind::PluginGranted, &new).with("limits-before", before).with("limits", after);
        self.put(new, Some(old.generation), entry).await
    }

    /// Stops it: nothing runs and its deliveries wait. One that is suspended already stays as it is, unless the platform suspends what
    /// its tenant did.
    pub async fn suspend(&self, id: &InstallationId, reason: &str) -> Result<Installation, InstallError> {
        let old = self.living(id).await?;
        // A suspension of the tenant's own does not stand before the platform's.
        if matches!(old.state, InstallationState::Suspended { by_platform, .. } if by_platform || !self.platform) {
            return Ok(old);
        }
        let state = InstallationState::Suspended { reason: reason.to_owned(), by_platform: self.platform };
        let new = Installation { state, generation: old.generation + 1, ..old.clone() };
        let entry = self.entry(Kind::PluginSuspended, &new).with("reason", reason).with("by-platform", self.platform);
        self.put(new, Some(old.generation), entry).await
    }

    /// Lets it run again, if its release holds. One that runs already stays as it is. Where it was uninstalled after the platform had
    /// suspended it, the platform lets its tenant have it again by this.
    pub async fn resume(&self, id: &InstallationId) -> Result<Installation, InstallError> {
        let found = self.find(id).await?;
        if found.is_gone() && self.platform && found.held_by_platform().is_some() {
            return self.let_back(found).await;
        }
        let old = self.living(id).await?;
        if old.state == InstallationState::Active {
            return Ok(old);
        }
        self.may_run_again(&old)?;
        if let Err(error) = self.registry.verified(&old.release_id(), &old.tenant).await {
            return Err(self.refused(error, &old.tenant, "resume").await);
        }
        let new = Installation { state: InstallationState::Active, generation: old.generation + 1, ..old.clone() };
        let entry = self.entry(Kind::PluginResumed, &new);
        self.put(new, Some(old.generation), entry).await
    }

    async fn let_back(&self, old: Installation) -> Result<Installation, InstallError> {
        let state = match old.state.clone() {
            InstallationState::Uninstalled { since, purge_at, reason, .. } => {
                InstallationState::Uninstalled { since, purge_at, reason, held: None }
            }
            InstallationState::Erased { at, .. } => InstallationState::Erased { at, held: None },
            runs => runs,
        };
        let expected = Some(old.generation);
        let new = Installation { state, generation: old.generation + 1, ..old };
        let entry = self.entry(Kind::PluginResumed, &new);
        self.put(new, expected, entry).await
    }

    /// Fails where the platform suspended it, and somebody else asks.
    pub(super) fn may_run_again(&self, one: &Installation) -> Result<(), InstallError> {
        match one.held_by_platform().filter(|_| !self.platform) {
            Some(reason) => Err(InstallError::ByPlatform { id: one.id.clone(), reason: reason.to_owned() }),
            None => Ok(()),
        }
    }

    /// What a rollback would give back, after an admin replaced the grant: what is taken away now stays away, what only fell
    /// away with the upgrade comes back.
    fn narrowed(&self, previous: Previous, granted: &[ScopeText]) -> Result<Previous, InstallError> {
        let mut may: Vec<ScopeText> = granted.to_vec();
        may.extend(previous.dropped.iter().cloned());
        let granted = kept(&previous.granted, &may, self.registry.rules().catalogue)?.kept;
        Ok(Previous { granted, ..previous })
    }

    /// The installation, unless it was uninstalled.
    pub(super) async fn living(&self, id: &InstallationId) -> Result<Installation, InstallError> {
        let found = self.find(id).await?;
        if found.is_gone() { Err(InstallError::Gone(found.id)) } else { Ok(found) }
    }

    pub(super) async fn find(&self, id: &InstallationId) -> Result<Installation, InstallError> {
        let all = self.installations.installations().await?;
        all.into_iter().find(|one| one.id == *id).ok_or_else(|| InstallError::NoInstallation(id.clone()))
    }
}
