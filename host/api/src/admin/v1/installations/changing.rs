//! How an installation is changed: by the installer, over the version that whoever asks has seen; or only tried out.

use portcullis_model::{audit::Actor, erasure::ErasureStore, installation::Installation};
use portcullis_packages::install::{InstallError, Installer};

use super::{
    Changed, InstallationView, Ports, Which,
    pinned::{Pinned, Silent},
    refused,
};
use crate::{
    admin::{Call, Operation, Reply, unavailable},
    problem::Problem,
};

/// A change that is under way, or its rehearsal.
pub(super) struct Changing<'a> {
    ports: &'a Ports,
    pinned: Pinned<'a>,
    actor: Actor,
    platform: bool,
    /// What is changed.
    pub before: Installation,
}

impl<'a> Changing<'a> {
    /// Begins one: the installation must be as whoever asks has seen it.
    pub async fn of<O: Operation<Ports = Ports>>(
        ports: &'a Ports,
        call: &Call<O>,
        which: &Which,
    ) -> Result<Self, Problem> {
        let before = ports.find(&which.id).await?;
        if call.expected.is_some_and(|version| version != before.generation) {
            return Err(refused(InstallError::Conflict(before.id)));
        }
        let pinned = Pinned {
            inner: ports.installations.as_ref(),
            leaving: ports.leaving.as_ref(),
            version: Some(before.generation),
            dry_run: call.dry_run,
        };
        let platform = call.on_platform().await?;
        Ok(Self { ports, pinned, actor: call.actor(), platform, before })
    }

    /// What makes the change.
    pub fn installer(&self) -> Installer<'_> {
        let recorder = if self.pinned.dry_run { &Silent } else { self.ports.recorder.as_ref() };
        self.ports.installer(&self.pinned, recorder, self.actor.clone(), self.platform)
    }

    /// What it is taken out of.
    pub fn leaving(&self) -> &dyn ErasureStore {
        &self.pinned
    }

    /// Answers what is different afterwards.
    pub async fn answer(self, after: Result<Installation, InstallError>) -> Result<Reply<Changed>, Problem> {
        let (changed, version) = self.changed(&after.map_err(refused)?).await?;
        Ok(Reply::json(changed).at(version))
    }

    /// What is different afterwards, and the version that is there then.
    pub async fn changed(&self, after: &Installation) -> Result<(Changed, u64), Problem> {
        let now = self.ports.clock.now();
        let suspensions = self.ports.budgets.suspensions(now).await.map_err(|error| unavailable(&error))?;
        let dry_run = self.pinned.dry_run;
        // What was only tried out has no version of its own.
        let version = if dry_run { self.before.generation } else { after.generation };
        let before = InstallationView::of(&self.before, &suspensions);
        let after = InstallationView::of(after, &suspensions);
        Ok((Changed::between(&before, after, dry_run), version))
    }
}
