//! `POST /reviews/{component}/{manifest}/assign`: has a reviewer look at it.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, REFUSES, Which, changed, refused};
use crate::{
    admin::{About, Bare, Call, Operation, Reply, Sent},
    problem::Problem,
};

/// Has a reviewer look at it.
pub struct Assign;

/// Who.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AssigningReview)]
pub struct Assigning {
    /// The reviewer: the owner's name as the root has it, or the beginning of the key's id, 8 digits or more.
    #[schema(max_length = 200)]
    reviewer: String,
}

impl Operation for Assign {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Assigning>;
    type Answer = Changed;

    const ABOUT: About = About::post(
        actions::REVIEWS_CHANGE,
        "/reviews/{component}/{manifest}/assign",
        "Have a reviewer look at a release",
    )
    .id("reviews.assign")
    .text("A reviewer of the platform's root, and none whose key is the publisher's too.")
    .dry_run()
    .refuses(REFUSES);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Sent<Assigning>) -> Result<Resource, Problem> {
        Ok(path.on(None))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let submission = ports.find(&call.path).await?;
        let case = ports.desk_of(&call, None).assign(&submission, &call.body.0.reviewer).await.map_err(refused)?;
        Ok(changed(&call, case))
    }
}
