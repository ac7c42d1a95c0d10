//! `POST /reviews/{component}/{manifest}/withdraw`: takes back what one handed in.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Changed, Ports, REFUSES, Which, changed, refused};
use crate::{
    admin::{About, Bare, Call, Operation, Reply, Sent},
    problem::Problem,
};

/// Takes it back.
pub struct Withdraw;

/// Why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WithdrawingReview)]
pub struct Why {
    /// One line; stands in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

impl Operation for Withdraw {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Why>;
    type Answer = Changed;

    const ABOUT: About = About::post(
        actions::REVIEWS_CHANGE,
        "/reviews/{component}/{manifest}/withdraw",
        "Take back what you handed in",
    )
    .id("reviews.withdraw")
    .text("Only whoever handed it in does that. What was decided about it still counts where it is handed in again.")
    .dry_run()
    .refuses(REFUSES);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Sent<Why>) -> Result<Resource, Problem> {
        Ok(path.on(None))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let submission = ports.find(&call.path).await?;
        let case = ports.desk_of(&call, None).withdraw(&submission, &call.body.0.reason).await.map_err(refused)?;
        Ok(changed(&call, case))
    }
}
