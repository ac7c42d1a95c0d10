//! `GET /reviews/{component}/{manifest}`: one review: what was said, the verdicts, and which release to compare with.

use portcullis_model::{
    audit::plain,
    people::{Resource, actions},
    review::Note,
};
use portcullis_packages::review::State;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{ByRoot, Ports, ReviewView, Which, resource};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Shows a review.
pub struct Get;

/// A review, with all that was said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewDetail)]
pub struct Detail {
    /// It.
    review: ReviewView,
    /// What was said and done, the oldest first.
    #[schema(value_type = Vec<Object>)]
    notes: Vec<Note>,
    /// What reviewers signed: by which key, whose that is, and the verdict.
    #[schema(value_type = Vec<Object>)]
    verdicts: Vec<Value>,
    /// What must come before it is approved.
    missing: Vec<String>,
    /// The release before that was approved last: what this one is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<ReviewView>,
}

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = ByRoot;
    type Body = Nothing;
    type Answer = Detail;

    const ABOUT: About = About::get(actions::REVIEWS_GET, "/reviews/{component}/{manifest}", "See a review")
        .text("What is different from the release before: GET /releases/{component}/{manifest}/diff, with the digests of `before`.")
        .on(On::Tenants)
        .refuses(&[Reason::Unknown, Reason::Refused]);

    async fn resource(_: &Ports, _: &Which, query: &ByRoot, _: &Nothing) -> Result<Resource, Problem> {
        Ok(resource(query.root.as_ref()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Detail>, Problem> {
        let submission = ports.find(&call.path).await?;
        let desk = ports.desk(call.query.root.as_ref());
        let refused =
            |error: &dyn std::fmt::Display| Problem::new(Reason::Refused, format!("{}.", plain(&error.to_string())));
        let case = desk.case(&submission).await.map_err(|error| refused(&error))?;
        let mut earlier = ports.submissions().await?;
        earlier.retain(|one| one.plugin == submission.plugin && one.number < submission.number);
        earlier.sort_by_key(|one| std::cmp::Reverse(one.number));
        let mut before = None;
        for one in earlier {
            let Ok(old) = desk.case(&one).await else { continue };
            if matches!(old.state(), Some(State::Approved | State::Expired)) {
                before = Some(ReviewView::of(&old));
                break;
            }
        }
        let given = &case.standing.given;
        let verdicts = given.iter().map(|one| json!({ "key": one.key, "owner": one.owner, "verdict": one.verdict }));
        let (review, verdicts, missing) = (ReviewView::of(&case), verdicts.collect(), case.missing());
        Ok(Reply::json(Detail { review, notes: case.notes, verdicts, missing, before }))
    }
}
