//! `POST /reviews/{component}/{manifest}/reports`: attaches a behaviour report.

use portcullis_model::{
    behaviour::MAX_REPORT,
    id::Digest,
    json::sorted,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Ports, REFUSES, ReviewView, Which, answered, refused};
use crate::{
    admin::{About, Bare, Call, Operation, Reply, Sent, unavailable},
    problem::Problem,
};

/// Attaches a report.
pub struct Attach;

/// A behaviour report, as `portcullis plugin vet` writes it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(as = BehaviourReport, value_type = Object)]
pub struct Sending(Value);

/// A report that was attached, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportAttached)]
pub struct Attached {
    /// Whether this was a rehearsal: nothing was written then.
    dry_run: bool,
    /// The SHA-256 of the report in its one form: what a verdict names it by.
    #[schema(value_type = String)]
    report: Digest,
    /// The review as it is then.
    review: ReviewView,
}

impl Operation for Attach {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Sending>;
    type Answer = Attached;

    const ABOUT: About =
        About::post(actions::REVIEWS_CHANGE, "/reviews/{component}/{manifest}/reports", "Attach a behaviour report")
            .id("reviews.attach")
            .text("It must be about this very release. It is kept, and known, in its one form: the members of objects by their names.")
            .dry_run()
            .max_body(MAX_REPORT)
            .refuses(REFUSES);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Sent<Sending>) -> Result<Resource, Problem> {
        Ok(path.on(None))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Attached>, Problem> {
        let submission = ports.find(&call.path).await?;
        let desk = ports.desk_of(&call, None);
        let text = sorted(&call.body.0.0).map_err(|error| unavailable(&error))?.to_string();
        let report = desk.attach(&submission, text.as_bytes()).await.map_err(refused)?;
        let review = ReviewView::of(&desk.case(&submission).await.map_err(refused)?);
        Ok(answered(call.dry_run, Attached { dry_run: call.dry_run, report, review }))
    }
}
