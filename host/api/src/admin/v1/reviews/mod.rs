//! Reviews of releases: what was handed in, how it stands with its reviewers, and what they say (INT-8, INT-11); and what tenants report of
//! releases that run (INT-10).
//!
//! Invariants: a verdict is signed by a reviewer's key, which this host does not have; what is said about a submission is the platform's,
//! and only a verdict can be a tenant's own; only what is installed is approved without a submission; who reported a release is for the
//! platform alone.

mod approve;
#[cfg(test)]
mod approve_tests;
mod assign;
mod attach;
mod comment;
mod get;
mod list;
mod misbehaviour;
mod refusal;
mod report;
#[cfg(test)]
mod report_tests;
mod resolve;
mod submit;
#[cfg(test)]
mod submit_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod verdict;
mod withdraw;

use std::sync::Arc;

use portcullis_model::{
    audit::{Actor, Recorder, plain},
    explain::Explain,
    id::Digest,
    installation::InstallationStore,
    people::Resource,
    release::ReleaseId,
    review::{Note, ReviewStore, Submission},
    time::{Clock, Rng},
    trust::RootScope,
};
use portcullis_packages::{
    check::Registry,
    review::{Case, Desk, State, misbehaviour::Reports},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use self::refusal::{REFUSES, refused};
pub use self::report::{Stopped, Stops};
use crate::{
    admin::{Call, Group, Operation, Reply, unavailable, unknown},
    problem::Problem,
};

/// For how many days an approval holds where nobody says.
const USUAL_DAYS: u64 = 180;

/// What reviews are read and made with.
pub struct Ports {
    /// Where releases and statements lie.
    pub registry: Arc<Registry>,
    /// Where reviews lie.
    pub reviews: Arc<dyn ReviewStore>,
    /// What is reported.
    pub installations: Arc<dyn InstallationStore>,
    /// Finds the acts that show it.
    pub explain: Arc<dyn Explain>,
    /// What becomes of a release that is reported.
    pub stops: Arc<dyn Stops>,
    /// Where refusals are written.
    pub recorder: Arc<dyn Recorder>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// For ids.
    pub rng: Arc<dyn Rng>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<get::Get>()
        .with::<submit::Submit>()
        .with::<assign::Assign>()
        .with::<comment::Comment>()
        .with::<attach::Attach>()
        .with::<verdict::Decide>()
        .with::<approve::Approve>()
        .with::<withdraw::Withdraw>()
        .with::<misbehaviour::List>()
        .with::<report::Report>()
        .with::<resolve::Resolve>()
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

impl Which {
    fn id(&self) -> ReleaseId {
        ReleaseId { component: self.component, manifest: self.manifest }
    }

    /// What somebody says or does something about, by this root.
    fn on(&self, root: Option<&RootScope>) -> Resource {
        resource(root).named(self.component.to_string())
    }
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
    /// Who is to look at it: whose keys, as the root had it then.
    assigned: Vec<String>,
    /// What stands between it and running: sentences without a full stop.
    missing: Vec<String>,
    /// When something was said or done last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last: Option<String>,
    /// Why its state cannot be said: the release does not pass its checks any more, or is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

impl ReviewView {
    /// Without whose it is to look at it.
    fn briefly(mut self) -> Self {
        self.assigned.clear();
        self
    }

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
            assigned: Vec::new(),
            missing: Vec::new(),
            last: None,
            fault: None,
        }
    }

    fn of(case: &Case) -> Self {
        Self {
            state: case.state().map(|state| state.name().to_owned()),
            approvals: case.approvals(),
            needed: case.standing.needed,
            assigned: case.assigned().into_iter().map(|(_, owner)| owner.to_owned()).collect(),
            missing: case.missing(),
            last: case.notes.last().map(|note| note.at.to_string()),
            ..Self::bare(&case.submission)
        }
    }
}

/// A review of which something was said or done, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewChanged)]
pub struct Changed {
    /// Whether this was a rehearsal: nothing was written then.
    dry_run: bool,
    /// As it is then.
    review: ReviewView,
    /// What was said and done, the oldest first.
    #[schema(value_type = Vec<Object>)]
    notes: Vec<Note>,
}

/// What is answered about a case after something was said or done.
fn changed<O: Operation>(call: &Call<O>, case: Case) -> Reply<Changed> {
    answered(call.dry_run, Changed { dry_run: call.dry_run, review: ReviewView::of(&case), notes: case.notes })
}

/// An answer, which says where it was a rehearsal.
fn answered<A>(dry_run: bool, answer: A) -> Reply<A> {
    let reply = Reply::json(answer);
    if dry_run { reply.tried() } else { reply }
}

impl Ports {
    /// Where reviews are looked at: nothing is written there.
    fn desk(&self, root: Option<&RootScope>) -> Desk<'_> {
        Desk {
            registry: &self.registry,
            reviews: self.reviews.as_ref(),
            clock: self.clock.as_ref(),
            actor: Actor::Host,
            scope: root.cloned().unwrap_or(RootScope::Platform),
            trial: true,
        }
    }

    /// Where whoever asks says or does something.
    fn desk_of<O: Operation>(&self, call: &Call<O>, root: Option<&RootScope>) -> Desk<'_> {
        Desk { actor: call.actor(), trial: call.dry_run, ..self.desk(root) }
    }

    /// Where whoever asks looks into reports of misbehaviour.
    fn reports_of<O: Operation>(&self, call: &Call<O>) -> Reports<'_> {
        let (reviews, clock, rng) = (self.reviews.as_ref(), self.clock.as_ref(), self.rng.as_ref());
        Reports { reviews, clock, rng, actor: call.actor() }
    }

    async fn submissions(&self) -> Result<Vec<Submission>, Problem> {
        self.reviews.submissions().await.map_err(|error| unavailable(&error))
    }

    async fn find(&self, which: &Which) -> Result<Submission, Problem> {
        let id = which.id();
        let found = self.submissions().await?.into_iter().find(|one| one.release() == id);
        found.ok_or_else(|| unknown("Nothing was handed in with these digests; see GET /admin/v1/reviews."))
    }
}

/// The state of this name.
fn state(name: &str) -> Option<State> {
    State::ALL.into_iter().find(|state| state.name() == name)
}
