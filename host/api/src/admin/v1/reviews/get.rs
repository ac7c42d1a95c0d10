//! `GET /reviews/{component}/{manifest}`: one review: what was said, the verdicts, which release to compare with, and what whoever decides
//! looks at.

use std::collections::BTreeMap;

use portcullis_model::{
    people::{Resource, actions},
    review::{Note, Vulnerability},
};
use portcullis_packages::review::{Case, look::Look};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{ByRoot, Ports, REFUSES, ReviewView, Which, refused, resource};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply, unavailable},
    problem::Problem,
};

/// Shows a review.
pub struct Get;

/// A review, with all that was said and all that is known of the release.
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
    /// Who may review it, by the ids of their keys: none of its publisher's.
    reviewers: BTreeMap<String, String>,
    /// What must come before it is approved.
    missing: Vec<String>,
    /// The release before that was approved last: what this one is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<ReviewView>,
    /// What an installation would mean: every scope with its purpose, meaning, risk and classes of data.
    #[schema(value_type = Object)]
    plan: Value,
    /// The same in words.
    plan_words: String,
    /// What is different from `before`, what is wider first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    diff: Option<Value>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    diff_words: Option<String>,
    /// The behaviour reports: the digest and the findings of each, the gravest first, or why it cannot be read.
    #[schema(value_type = Vec<Object>)]
    reports: Vec<Value>,
    /// The known vulnerabilities of what it is made of, the worst first, as of the last scan; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    vulnerabilities: Option<Vec<Vulnerability>>,
}

impl Detail {
    fn of(case: Case, before: Option<&Case>, look: Look) -> Result<Self, serde_json::Error> {
        let given = &case.standing.given;
        let verdicts = given.iter().map(|one| json!({ "key": one.key, "owner": one.owner, "verdict": one.verdict }));
        Ok(Self {
            review: ReviewView::of(&case),
            verdicts: verdicts.collect(),
            missing: case.missing(),
            before: before.map(ReviewView::of),
            plan: serde_json::to_value(&look.plan)?,
            plan_words: look.plan.words(),
            diff: look.diff.as_ref().map(serde_json::to_value).transpose()?,
            diff_words: look.diff.as_ref().map(ToString::to_string),
            reports: look.reports.iter().map(serde_json::to_value).collect::<Result<_, _>>()?,
            vulnerabilities: look.vulnerabilities,
            reviewers: case.standing.reviewers,
            notes: case.notes,
        })
    }
}

impl Detail {
    /// Without what is known of the release for whoever looks after the platform; and, where the case is the platform's, without what its
    /// reviewers said.
    fn of_the_platform_less(mut self, case: bool) -> Self {
        self.vulnerabilities = None;
        if case {
            self.review = self.review.briefly();
            self.before = self.before.map(ReviewView::briefly);
            (self.notes, self.verdicts, self.reports) = Default::default();
            self.reviewers.clear();
        }
        self
    }
}

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = ByRoot;
    type Body = Nothing;
    type Answer = Detail;

    const ABOUT: About = About::get(actions::REVIEWS_GET, "/reviews/{component}/{manifest}", "See a review")
        .text(
            "What the platform's reviewers said, and what is known of it, is there for who may see reviews of the platform; for others, how it \
             stands, what it may do and what is different. What tenants report of it: GET /misbehaviour.",
        )
        .on(On::Tenants)
        .refuses(REFUSES);

    async fn resource(_: &Ports, _: &Which, query: &ByRoot, _: &Nothing) -> Result<Resource, Problem> {
        Ok(resource(query.root.as_ref()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Detail>, Problem> {
        let submission = ports.find(&call.path).await?;
        let desk = ports.desk(call.query.root.as_ref());
        let case = desk.case(&submission).await.map_err(refused)?;
        let before = desk.before(&case).await.map_err(refused)?;
        let look = desk.look(&case, before.as_ref()).await.map_err(refused)?;
        let detail = Detail::of(case, before.as_ref(), look).map_err(|error| unavailable(&error))?;
        match call.on_platform().await? {
            true => Ok(Reply::json(detail)),
            false => Ok(Reply::json(detail.of_the_platform_less(call.resource.tenant.is_none()))),
        }
    }
}
