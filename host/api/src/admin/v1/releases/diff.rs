//! `GET /releases/{component}/{manifest}/diff`: what is different from another release: what is wider first.

use portcullis_model::{
    id::Digest,
    people::{Resource, actions},
    release::ReleaseId,
};
use portcullis_packages::diff::Diff;
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
    .text("Scopes are compared by what they allow, not by their text.")
    .refuses(&[Reason::Refused]);

    async fn resource(_: &Ports, _: &Which, _: &Older, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("release"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Difference>, Problem> {
        let older = ReleaseId { component: call.query.component, manifest: call.query.manifest };
        let old = ports.described(&older, call.actor()).await?;
        let new = ports.described(&call.path.id(), call.actor()).await?;
        let catalogue = ports.registry.rules().catalogue;
        let diff = Diff::between(&old.side(), &new.side(), catalogue).map_err(|error| unfit(&error))?;
        let words = diff.to_string();
        let diff = serde_json::to_value(&diff).map_err(|error| unavailable(&error))?;
        Ok(Reply::json(Difference { diff, words }))
    }
}
