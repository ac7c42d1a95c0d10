//! Going back to the release that an installation ran before its last upgrade.
//!
//! Invariants: that release is verified anew, so that one that was withdrawn or lies below a floor is refused unless somebody
//! who may signed an override; what an admin has taken away since the upgrade stays taken away; the release that is left is
//! not taken again by policy.

use portcullis_model::{audit::Kind, id::InstallationId, installation::Installation};

use super::{InstallError, Installer, upgrade::kept};

impl Installer<'_> {
    /// Lets an installation run the release again that it ran before, with its grant.
    ///
    /// # Errors
    /// There is none to go back to, or it does not hold in that tenant; that is recorded as `release.refused`.
    pub async fn rollback(&self, id: &InstallationId, reason: &str) -> Result<Installation, InstallError> {
        let old = self.living(id).await?;
        let previous = old.previous.clone().ok_or_else(|| InstallError::NoPrevious(id.clone()))?;
        let examined = match self.registry.examined(&previous.release_id(), &old.tenant).await {
            Ok(examined) => examined,
            Err(error) => return Err(self.refused(error, &old.tenant, "rollback").await),
        };
        let granted = kept(&previous.granted, &examined.manifest.asked(), self.registry.rules().catalogue)?.kept;
        let new = Installation {
            release: previous.release,
            manifest: previous.manifest,
            version: previous.version,
            number: previous.number,
            granted,
            limits: previous.limits,
            previous: None,
            waiting: None,
            rolled_back: old.rolled_back.max(Some(old.number)),
            generation: old.generation + 1,
            ..old.clone()
        };
        let before: Vec<String> = old.granted.iter().map(ToString::to_string).collect();
        let entry = self
            .entry(Kind::PluginRolledBack, &new)
            .with("from-version", old.version.as_str())
            .with("from-release", old.number)
            .with("from-digest", old.release.to_string())
            .with("release-number", new.number)
            .with("before", before)
            .with("reason", reason);
        self.put(new, Some(old.generation), entry).await
    }
}
