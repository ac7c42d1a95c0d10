//! Reviews of releases: what was handed in, how it stands with its reviewers, and what they said (INT-8, INT-11).
//!
//! Invariant: nothing is decided here. A verdict is signed by a reviewer's key, which this host does not have.

mod get;
mod list;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use portcullis_model::{
    audit::{Actor, plain},
    id::Digest,
    people::Resource,
    release::ReleaseId,
    review::{ReviewStore, Submission},
    time::Clock,
    trust::RootScope,
};
use portcullis_packages::{
    check::Registry,
    review::{Case, Desk, State},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{Group, unavailable, unknown},
    problem::Problem,
};

/// What reviews are read with.
pub struct Ports {
    /// Where releases and statements lie.
    pub registry: Arc<Registry>,
    /// Where reviews lie.
    pub reviews: Arc<dyn ReviewStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<list::List>().with::<get::Get>()
}

/// Which submission.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// The digest of its component: `sha256:` and 64 hexadecimal digits.
    #[param(value_type = String)]
    component: Digest,
    /// The digest of its manifest.
    #[param(value_type = String)]
    manifest: Digest,
}

/// By whose root.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct ByRoot {
    /// `platform`, or `tenant:` and a tenant with a root of its own; the platform's, where it is not there.
    #[param(value_type = Option<String>)]
    root: Option<RootScope>,
}

/// What is asked about by this root.
fn resource(root: Option<&RootScope>) -> Resource {
    match root {
        Some(RootScope::Tenant(tenant)) => Resource::of(tenant.clone(), "review"),
        Some(RootScope::Platform) | None => Resource::of_platform("review"),
    }
}

/// A submission, and how it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Review)]
pub struct ReviewView {
    /// Which plugin.
    plugin: String,
    /// Who publishes it.
    publisher: String,
    /// Its version, for people.
    version: String,
    /// Its number.
    number: u64,
    /// The digest of its component.
    component: String,
    /// The digest of its manifest.
    manifest: String,
    /// `submitted`, `in-review`, `changes-requested`, `approved`, `rejected`, `expired` or `withdrawn`; null where it cannot be said.
    state: Option<String>,
    /// How many approvals hold.
    approvals: usize,
    /// How many must.
    needed: usize,
    /// When something was said or done last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last: Option<String>,
    /// Why its state cannot be said: the release does not pass its checks any more, or is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

impl ReviewView {
    fn bare(of: &Submission) -> Self {
        Self {
            plugin: of.plugin.to_string(),
            publisher: of.publisher.to_string(),
            version: plain(&of.version),
            number: of.number,
            component: of.component.to_string(),
            manifest: of.manifest.to_string(),
            state: None,
            approvals: 0,
            needed: 0,
            last: None,
            fault: None,
        }
    }

    fn of(case: &Case) -> Self {
        Self {
            state: case.state().map(|state| state.name().to_owned()),
            approvals: case.approvals(),
            needed: case.standing.needed,
            last: case.notes.last().map(|note| note.at.to_string()),
            ..Self::bare(&case.submission)
        }
    }
}

impl Ports {
    fn desk(&self, root: Option<&RootScope>) -> Desk<'_> {
        Desk {
            registry: &self.registry,
            reviews: self.reviews.as_ref(),
            clock: self.clock.as_ref(),
            actor: Actor::Host,
            scope: root.cloned().unwrap_or(RootScope::Platform),
        }
    }

    async fn submissions(&self) -> Result<Vec<Submission>, Problem> {
        self.reviews.submissions().await.map_err(|error| unavailable(&error))
    }

    async fn find(&self, which: &Which) -> Result<Submission, Problem> {
        let id = ReleaseId { component: which.component, manifest: which.manifest };
        let found = self.submissions().await?.into_iter().find(|one| one.release() == id);
        found.ok_or_else(|| unknown("Nothing was handed in with these digests; see GET /admin/v1/reviews."))
    }
}

/// The state of this name.
fn state(name: &str) -> Option<State> {
    State::ALL.into_iter().find(|state| state.name() == name)
}
