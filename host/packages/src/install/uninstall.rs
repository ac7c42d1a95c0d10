//! Taking an installation away: it stops at once, what it stored is erased after a time of grace, and until then it can be
//! taken back.
//!
//! Invariants: an installation that is uninstalled has no credentials and gets no deliveries; one that is taken back does not
//! run before an admin says so, and one that the platform had suspended not before the platform does, nor is it installed anew, also once
//! it is erased; what is erased is counted in the log.

use portcullis_model::{
    audit::Kind,
    erasure::{Erased, ErasureStore, Stopped},
    id::InstallationId,
    installation::{Installation, InstallationState},
    limits::Limits,
    time::Timestamp,
};

use super::{InstallError, Installer};

impl Installer<'_> {
    /// Stops it, removes its credentials and closes its deliveries. What it stored is to be erased at `purge_at`.
    pub async fn uninstall(
        &self,
        store: &dyn ErasureStore,
        id: &InstallationId,
        reason: &str,
        purge_at: Timestamp,
    ) -> Result<(Installation, Stopped), InstallError> {
        let old = self.living(id).await?;
        let (since, held) = (self.clock.now(), old.held_by_platform().map(str::to_owned));
        let state = InstallationState::Uninstalled { since, purge_at, reason: reason.to_owned(), held };
        let new = Installation { state, waiting: None, generation: old.generation + 1, ..old.clone() };
        let entry =
            self.entry(Kind::PluginUninstalled, &new).with("reason", reason).with("purge-at", purge_at.to_string());
        match store.uninstall(new.clone(), old.generation, entry).await? {
            Some(stopped) => Ok((new, stopped)),
            None => Err(InstallError::Conflict(new.id)),
        }
    }

    /// Takes one back that is not erased yet. It is suspended then: its credentials are gone, and somebody looks first. What the platform
    /// had suspended is the platform's to resume, as before.
    pub async fn restore(&self, id: &InstallationId) -> Result<Installation, InstallError> {
        let old = self.find(id).await?;
        let InstallationState::Uninstalled { held, .. } = &old.state else {
            return Err(InstallError::NotUninstalled(id.clone()));
        };
        let by_platform = held.is_some();
        let reason = held.clone().unwrap_or_else(|| "restored: add its connections again, then resume it".to_owned());
        let state = InstallationState::Suspended { reason, by_platform };
        let new = Installation { state, generation: old.generation + 1, ..old.clone() };
        let entry = self.entry(Kind::PluginRestored, &new);
        self.put(new, Some(old.generation), entry).await
    }

    /// Erases what it stored. `files`: what was removed outside of the store already, to be counted with the rest.
    pub async fn erase(
        &self,
        store: &dyn ErasureStore,
        old: &Installation,
        files: Erased,
    ) -> Result<(Installation, Erased), InstallError> {
        let InstallationState::Uninstalled { since, reason, held, .. } = &old.state else {
            return Err(InstallError::NotUninstalled(old.id.clone()));
        };
        let new = Installation {
            state: InstallationState::Erased { at: self.clock.now(), held: held.clone() },
            granted: Vec::new(),
            limits: Limits::default(),
            previous: None,
            waiting: None,
            generation: old.generation + 1,
            ..old.clone()
        };
        let entry = self
            .entry(Kind::PluginErased, &new)
            .with("uninstalled-at", since.to_string())
            // What a person wrote, though the host writes it here.
            .with_personal("reason", reason);
        match store.erase(new.clone(), old.generation, files, entry).await? {
            Some(erased) => Ok((new, erased)),
            None => Err(InstallError::Conflict(new.id)),
        }
    }
}
