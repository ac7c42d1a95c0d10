//! `POST /releases`: puts a release into the registry, without installing it.

use portcullis_model::{
    audit::plain,
    people::{Resource, actions},
};
use portcullis_packages::{bundle::MAX_BUNDLE, install::Published};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, ReleaseView};
use crate::{
    admin::{About, Bare, Call, Operation, Packed, Reply, v1::installations::refused},
    problem::{Problem, Reason},
};

/// Publishes a release.
pub struct Publish;

/// A release that is in the registry, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReleasePublished)]
pub struct Done {
    /// Whether this was a rehearsal: nothing was written then.
    dry_run: bool,
    /// The release.
    release: ReleaseView,
    /// Whether it is new there.
    new: bool,
    /// What it lacks before it may run, by the platform's root; null where that is nothing.
    lacks: Option<String>,
}

impl Operation for Publish {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Packed;
    type Answer = Done;

    const ABOUT: About = About::post(actions::RELEASES_PUBLISH, "/releases", "Put a release into the registry")
        .text(
            "The body is the release's bundle, as `portcullis plugin bundle` makes it. Its publisher must be trusted already. Reviewers can \
             look at it there before anybody may run it; installations whose policy takes it are upgraded soon.",
        )
        .dry_run()
        .max_body(MAX_BUNDLE)
        .refuses(&[Reason::Refused, Reason::ReleaseRefused]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Packed) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("release"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Done>, Problem> {
        let (installer, files) = (ports.installer(call.actor()), &call.body.0);
        let published = match call.dry_run {
            true => installer.rehearse_publishing(files).await,
            false => installer.publish(files).await,
        };
        let Published { listed, new, lacks } = published.map_err(refused)?;
        let lacks = lacks.map(|lacks| plain(&lacks));
        let reply = Reply::json(Done { dry_run: call.dry_run, release: ReleaseView::from(&listed), new, lacks });
        Ok(if call.dry_run { reply.tried() } else { reply })
    }
}
