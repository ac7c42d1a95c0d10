//! Taking an installation away: it stops at once, what it stored is erased after a time of grace, and until then it can be
//! taken back.
//!
//! Invariants: an installation that is uninstalled has no credentials and gets no deliveries; one that is taken back does not
//! run before an admin says so, and one that the platform had suspended not before the platform does, nor is it installed anew, also once
//! it is erased; what is held may be evidence and is erased early by the platform alone; what is erased is counted in the log.

use std::time::Duration;

use portcullis_model::{
    audit::Kind,
    erasure::{Erased, ErasureStore, Stopped},
    id::InstallationId,
    installation::{Installation, InstallationState},
    limits::Limits,
    time::Timestamp,
};

use super::{InstallError, Installer};

/// How long what an installation stored is kept at least, where the platform or an incident holds it.
const EVIDENCE: Duration = Duration::from_secs(30 * 86_400);

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
        self.may_be_erased(&old, purge_at).await?;
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
        let InstallationState::Uninstalled { held, purge_at, .. } = &old.state else {
            return Err(InstallError::NotUninstalled(id.clone()));
        };
        // Its files may be gone already, which the store does not know.
        if *purge_at <= self.clock.now() {
            return Err(InstallError::Erasing(id.clone()));
        }
        let by_platform = held.is_some();
        let reason = held.clone().unwrap_or_else(|| "restored: add its connections again, then resume it".to_owned());
        let state = InstallationState::Suspended { reason, by_platform };
        let new = Installation { state, generation: old.generation + 1, ..old.clone() };
        let entry = self.entry(Kind::PluginRestored, &new);
        self.put(new, Some(old.generation), entry).await
    }

    /// Fails where it is held, and somebody who does not run the host wants it erased before what may be evidence was looked at.
    async fn may_be_erased(&self, one: &Installation, purge_at: Timestamp) -> Result<(), InstallError> {
        if self.platform || purge_at >= self.clock.now().plus(EVIDENCE) {
            return Ok(());
        }
        match one.held_by_platform().is_some() || self.installations.held_by(one).await?.is_some() {
            true => Err(InstallError::Evidence(one.id.clone())),
            false => Ok(()),
        }
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
