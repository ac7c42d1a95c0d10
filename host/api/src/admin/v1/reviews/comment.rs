//! `POST /reviews/{component}/{manifest}/comments`: says something about it.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, REFUSES, Which, changed, refused};
use crate::{
    admin::{About, Bare, Call, Operation, Reply, Sent},
    problem::Problem,
};

/// Says something about it.
pub struct Comment;

/// What.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CommentingReview)]
pub struct Commenting {
    /// One line.
    #[schema(min_length = 1, max_length = 500)]
    text: String,
}

impl Operation for Comment {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Commenting>;
    type Answer = Changed;

    const ABOUT: About = About::post(
        actions::REVIEWS_CHANGE,
        "/reviews/{component}/{manifest}/comments",
        "Say something about a release",
    )
    .id("reviews.comment")
    .text("Whoever may see the review reads it, with your name. It stays.")
    .dry_run()
    .refuses(REFUSES);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Sent<Commenting>) -> Result<Resource, Problem> {
        Ok(path.on(None))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let submission = ports.find(&call.path).await?;
        let case = ports.desk_of(&call, None).comment(&submission, &call.body.0.text).await.map_err(refused)?;
        Ok(changed(&call, case))
    }
}
