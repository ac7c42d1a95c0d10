//! Putting a release into the registry without installing it.
//!
//! Invariants: what is put there is whole, is signed by who may publish it, is not withdrawn, and fits this host; whether it
//! may run in a tenant is judged there and then, as ever. That reviewers are missing keeps nothing out: it is here that they
//! look at it.

use portcullis_model::{
    audit::{Entry, Kind},
    release::{ListedRelease, ReleaseError},
};

use super::{InstallError, Installer};
use crate::{manifest::Manifest, release_dir::ReleaseFiles};

/// A release that is in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Which.
    pub listed: ListedRelease,
    /// Whether it is new there.
    pub new: bool,
    /// What it lacks before it may run, by the platform's root; `None`: nothing.
    pub lacks: Option<String>,
}

impl Installer<'_> {
    /// Checks a release, stores it with what was signed about it, and lists it.
    ///
    /// # Errors
    /// A release that does not hold is recorded as `release.refused` before the error is returned.
    pub async fn publish(&self, files: &ReleaseFiles) -> Result<Published, InstallError> {
        let (manifest, lacks) = match self.held(files).await {
            Ok(held) => held,
            Err(error) => return Err(self.refuse(error, None, "publish").await),
        };
        let listed = self.store(files, &manifest).await?;
        let entry = Entry::new(self.clock.now(), Kind::ReleasePublished, self.actor.clone(), None)
            .about(format!("release:{}", files.stored.digest))
            .with("plugin", manifest.id.as_str())
            .with("publisher", manifest.publisher.as_str())
            .with("version", manifest.version.as_str())
            .with("release-number", manifest.release)
            .with("manifest-digest", manifest.digest.to_string());
        // Before what others signed: an approval would list it too, without a word that it was published.
        let new = self.registry.store().list_release(listed.clone(), Some(entry)).await?;
        self.keep_statements(files).await?;
        Ok(Published { listed, new, lacks })
    }

    /// What publishing a release would come to. Nothing is written, not even that it is refused.
    ///
    /// # Errors
    /// As for [`Installer::publish`].
    pub async fn rehearse_publishing(&self, files: &ReleaseFiles) -> Result<Published, InstallError> {
        let (manifest, lacks) = self.held(files).await?;
        let listed = self.listed(files, &manifest);
        self.check_statements(files).await?;
        let there = self.registry.store().releases_of(&manifest.id).await?;
        let new = there.iter().all(|one| one.id != listed.id);
        Ok(Published { listed, new, lacks })
    }

    /// Checks a release with all that was signed about it, here or in what was handed over. Gives what it lacks before it may run.
    async fn held(&self, files: &ReleaseFiles) -> Result<(Manifest, Option<String>), ReleaseError> {
        let mut statements = self.registry.statements().statements(&files.stored.id()).await?;
        statements.extend(files.statements.iter().cloned());
        let (manifest, lacks) = self.registry.publishable(&files.stored, &statements, &files.component).await?;
        Ok((manifest, lacks.map(|lack| lack.to_string())))
    }

    /// Stores a release. Gives it as it would be listed.
    pub(super) async fn store(&self, files: &ReleaseFiles, manifest: &Manifest) -> Result<ListedRelease, InstallError> {
        self.registry.store().put_release(files.stored.clone(), files.component.clone()).await?;
        Ok(self.listed(files, manifest))
    }

    fn listed(&self, files: &ReleaseFiles, manifest: &Manifest) -> ListedRelease {
        ListedRelease {
            plugin: manifest.id.clone(),
            id: files.stored.id(),
            number: manifest.release,
            version: manifest.version.clone(),
            since: self.clock.now(),
        }
    }
}
