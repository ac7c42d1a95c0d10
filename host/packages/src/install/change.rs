//! Changing an installation: its grant, and whether it runs.
//!
//! Invariants: a grant is checked against the manifest of the release that is installed, which is verified anew for it;
//! suspending needs nothing but the store, so that it works when the release no longer holds.

use portcullis_model::{
    audit::Kind,
    id::InstallationId,
    installation::{Installation, InstallationState},
    limits::Limits,
    release::Releases as _,
    scope::ScopeText,
};

use super::{InstallError, Installer, within};

impl Installer<'_> {
    /// Replaces what is granted: narrower or wider, within what the manifest asks for.
    pub async fn grant(&self, id: &InstallationId, granted: Vec<ScopeText>) -> Result<Installation, InstallError> {
        let old = self.find(id).await?;
        let examined = match self.registry.examined(&old.release_id(), &old.tenant).await {
            Ok(examined) => examined,
            Err(error) => return Err(self.refused(error, &old.tenant, "grant").await),
        };
        within(&granted, &examined.manifest, self.registry.rules().catalogue)?;
        let before: Vec<String> = old.granted.iter().map(ToString::to_string).collect();
        let new = Installation { granted, generation: old.generation + 1, ..old.clone() };
        let entry = self.entry(Kind::PluginGranted, &new).with("before", before);
        self.put(new, Some(old.generation), entry).await
    }

    /// Replaces what it may use, of a call and of an hour. More than the manifest asks for or the platform gives has no effect.
    pub async fn limit(&self, id: &InstallationId, limits: Limits) -> Result<Installation, InstallError> {
        let old = self.find(id).await?;
        let changed = |limits: &Limits, other: &Limits| -> Vec<String> {
            let pairs = limits.entries().into_iter().zip(other.entries());
            pairs.filter(|(a, b)| a != b).map(|((name, value), _)| format!("{name}={value}")).collect()
        };
        let (before, after) = (changed(&old.limits, &limits), changed(&limits, &old.limits));
        let new = Installation { limits, generation: old.generation + 1, ..old.clone() };
        let entry = self.entry(Kind::PluginGranted, &new).with("limits-before", before).with("limits", after);
        self.put(new, Some(old.generation), entry).await
    }

    /// Stops it: nothing runs and its deliveries wait. One that is suspended already stays as it is.
    pub async fn suspend(&self, id: &InstallationId, reason: &str) -> Result<Installation, InstallError> {
        let old = self.find(id).await?;
        if matches!(old.state, InstallationState::Suspended { .. }) {
            return Ok(old);
        }
        let state = InstallationState::Suspended { reason: reason.to_owned() };
        let new = Installation { state, generation: old.generation + 1, ..old.clone() };
        let entry = self.entry(Kind::PluginSuspended, &new).with("reason", reason);
        self.put(new, Some(old.generation), entry).await
    }

    /// Lets it run again, if its release holds. One that runs already stays as it is.
    pub async fn resume(&self, id: &InstallationId) -> Result<Installation, InstallError> {
        let old = self.find(id).await?;
        if old.state == InstallationState::Active {
            return Ok(old);
        }
        if let Err(error) = self.registry.verified(&old.release_id(), &old.tenant).await {
            return Err(self.refused(error, &old.tenant, "resume").await);
        }
        let new = Installation { state: InstallationState::Active, generation: old.generation + 1, ..old.clone() };
        let entry = self.entry(Kind::PluginResumed, &new);
        self.put(new, Some(old.generation), entry).await
    }

    async fn find(&self, id: &InstallationId) -> Result<Installation, InstallError> {
        let all = self.installations.installations().await?;
        all.into_iter().find(|one| one.id == *id).ok_or_else(|| InstallError::NoInstallation(id.clone()))
    }
}
