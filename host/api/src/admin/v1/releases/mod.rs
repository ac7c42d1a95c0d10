//! Releases in the registry, and the plugins that they are of.
//!
//! Invariant: nothing of a release is trusted by being shown; what is said of it is derived from bytes of its digest.

mod diff;
#[cfg(test)]
mod diff_tests;
mod get;
mod list;
#[cfg(test)]
mod override_tests;
mod overriding;
mod plugins;
mod publish;
#[cfg(test)]
mod publish_tests;
mod rescan;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use portcullis_model::{
    audit::{Actor, plain},
    id::Digest,
    installation::InstallationStore,
    release::{ListedRelease, ReleaseError, ReleaseId, Shelf},
    review::ReviewStore,
    time::{Clock, Rng},
};
use portcullis_packages::{
    check::Registry,
    install::{InstallError, Installer, upgrade::Described},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use self::rescan::{NotScanned, Rescanned, Rescans};
use crate::{
    admin::{Group, unavailable, unknown},
    problem::{Problem, Reason},
};

/// What releases are read with.
pub struct Ports {
    /// Where releases lie and how they are checked.
    pub registry: Arc<Registry>,
    /// The list of them.
    pub shelf: Arc<dyn Shelf>,
    /// What reviewers have of them.
    pub reviews: Arc<dyn ReviewStore>,
    /// Which are installed.
    pub installations: Arc<dyn InstallationStore>,
    /// What looks at them again.
    pub rescans: Arc<dyn Rescans>,
    /// Where it would be written that one was refused.
    pub recorder: Arc<dyn portcullis_model::audit::Recorder>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<plugins::List>()
        .with::<list::List>()
        .with::<get::Get>()
        .with::<diff::Compare>()
        .with::<overriding::Override>()
        .with::<publish::Publish>()
        .with::<rescan::Rescan>()
}

/// Which release.
#[derive(Clone, Deserialize, IntoParams)]
pub struct Which {
    /// The digest of its component: `sha256:` and 64 hexadecimal digits.
    #[param(value_type = String)]
    component: Digest,
    /// The digest of its manifest.
    #[param(value_type = String)]
    manifest: Digest,
}

impl Which {
    pub(super) fn id(&self) -> ReleaseId {
        ReleaseId { component: self.component, manifest: self.manifest }
    }
}

/// A release in the registry's list. What it says of itself is believed when it is checked, at an install and at every load.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Release)]
pub struct ReleaseView {
    /// Of which plugin.
    plugin: String,
    /// The digest of its component.
    component: String,
    /// The digest of its manifest.
    manifest: String,
    /// Its number: a newer release has a higher one.
    number: u64,
    /// Its version, for people.
    version: String,
    /// When it was put there.
    #[schema(format = DateTime)]
    since: String,
}

impl From<&ListedRelease> for ReleaseView {
    fn from(listed: &ListedRelease) -> Self {
        Self {
            plugin: listed.plugin.to_string(),
            component: listed.id.component.to_string(),
            manifest: listed.id.manifest.to_string(),
            number: listed.number,
            version: plain(&listed.version),
            since: listed.since.to_string(),
        }
    }
}

impl Ports {
    async fn listed(&self) -> Result<Vec<ListedRelease>, Problem> {
        self.shelf.all_releases().await.map_err(|error| unavailable(&error))
    }

    fn installer(&self, actor: Actor) -> Installer<'_> {
        Installer {
            registry: &self.registry,
            installations: self.installations.as_ref(),
            recorder: self.recorder.as_ref(),
            clock: self.clock.as_ref(),
            rng: self.rng.as_ref(),
            actor,
            platform: false,
        }
    }

    /// A release, read.
    async fn described(&self, id: &ReleaseId, actor: Actor) -> Result<Described, Problem> {
        self.installer(actor).described(id).await.map_err(|error| match error {
            InstallError::Release(ReleaseError::Missing(_)) => {
                unknown("There is no release with these digests; see GET /admin/v1/releases.")
            }
            InstallError::Release(error @ ReleaseError::Refused { .. }) => {
                Problem::new(Reason::ReleaseRefused, format!("{}.", plain(&error.to_string())))
            }
            other => unavailable(&other),
        })
    }
}

fn unfit(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Reason::Refused, format!("{}.", plain(&error.to_string())))
}
