//! `GET /releases/{component}/{manifest}/diff`: what is different from another release: what is wider first.

use portcullis_model::{
    audit::Actor,
    behaviour::Report,
    id::Digest,
    people::{Resource, actions},
    release::{ReleaseError, ReleaseId},
    trust::RootScope,
};
use portcullis_packages::{
    diff::{Diff, Side},
    install::upgrade::Described,
    review::{Desk, ReviewError},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Ports, Which, unfit};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Compares two releases.
pub struct Compare;

/// Which release it is compared with: the older one.
#[derive(Deserialize, IntoParams)]
pub struct Older {
    /// The digest of the older one's component.
    #[param(value_type = String)]
    component: Digest,
    /// The digest of its manifest.
    #[param(value_type = String)]
    manifest: Digest,
}

/// What is different between two releases.
#[derive(Debug, Serialize, ToSchema)]
pub struct Difference {
    /// Each change: where, what it was, what it is, whether that is wider, and whose consent it needs.
    #[schema(value_type = Object)]
    diff: Value,
    /// The same in words.
    words: String,
}

impl Operation for Compare {
    type Ports = Ports;
    type Path = Which;
    type Query = Older;
    type Body = Nothing;
    type Answer = Difference;

    const ABOUT: About = About::get(
        actions::RELEASES_DIFF,
        "/releases/{component}/{manifest}/diff",
        "Compare a release with an older one",
    )
    .on(On::Tenants)
    .text(
        "Scopes are compared by what they allow, not by their text. What they did when they were run is compared for those who reach the \
         platform's releases, by the newest report that reviewers have of each.",
    )
    .refuses(&[Reason::Refused, Reason::ReleaseRefused]);

    async fn resource(_: &Ports, _: &Which, _: &Older, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("release"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Difference>, Problem> {
        let older = ReleaseId { component: call.query.component, manifest: call.query.manifest };
        let tried = call.on_platform().await?;
        let old = Compared::read(ports, &older, call.actor(), tried).await?;
        let new = Compared::read(ports, &call.path.id(), call.actor(), tried).await?;
        let catalogue = ports.registry.rules().catalogue;
        let diff = Diff::between(&old.side(), &new.side(), catalogue).map_err(|error| unfit(&error))?;
        let words = diff.to_string();
        let diff = serde_json::to_value(&diff).map_err(|error| unavailable(&error))?;
        Ok(Reply::json(Difference { diff, words }))
    }
}

/// One of the two releases.
struct Compared {
    described: Described,
    /// What it did when it was run, where reviewers have that and whoever asks may know.
    behaviour: Option<Report>,
}

impl Compared {
    async fn read(ports: &Ports, id: &ReleaseId, actor: Actor, tried: bool) -> Result<Self, Problem> {
        let described = ports.described(id, actor).await?;
        let behaviour = match tried {
            true => ports.desk().behaviour(id, &described.manifest).await.map_err(|error| unread(&error))?,
            false => None,
        };
        Ok(Self { described, behaviour })
    }

    fn side(&self) -> Side<'_> {
        Side { behaviour: self.behaviour.as_ref(), ..self.described.side() }
    }
}

impl Ports {
    /// Where the platform's reviews are looked at: nothing is written there.
    fn desk(&self) -> Desk<'_> {
        Desk {
            registry: &self.registry,
            reviews: self.reviews.as_ref(),
            clock: self.clock.as_ref(),
            actor: Actor::Host,
            scope: RootScope::Platform,
            trial: true,
        }
    }
}

/// The report that reviewers have cannot be read.
fn unread(error: &ReviewError) -> Problem {
    match error {
        ReviewError::Store(_) | ReviewError::Release(ReleaseError::Store(_)) => unavailable(error),
        other => unfit(other),
    }
}
