//! `POST /reviews/{component}/{manifest}/verdicts`: files what a reviewer signed; a rehearsal says what to sign.

use portcullis_model::{
    id::Digest,
    people::{Resource, actions},
    review::Submission,
    scope::ScopeText,
};
use portcullis_packages::{
    dsse::{MAX_ENVELOPE, PayloadType},
    review::{Case, Choice, Desk, Seen, filing::Prepared, look::left_without},
    statement::{Decision, Verdict},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{ByRoot, Ports, REFUSES, ReviewView, USUAL_DAYS, Which, answered, refused};
use crate::{
    admin::{
        About, Call, MAX_BODY, On, Operation, Reply, Sent,
        v1::signing::{self, ToSign},
    },
    problem::{Problem, Reason},
};

/// Decides.
pub struct Decide;

/// What is decided, by which key, and what was signed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewVerdict)]
pub struct New {
    /// `approve`, `request-changes` or `reject`.
    #[schema(value_type = String)]
    decision: Decision,
    /// The most that it may do, where it is approved; all that its manifest asks for, where this is not there.
    #[schema(value_type = Option<Vec<String>>)]
    at_most: Option<Vec<ScopeText>>,
    /// In how many days it must be vetted again; 180, where it is not there.
    #[schema(minimum = 1, maximum = 365)]
    days: Option<u64>,
    /// The SHA-256 of the behaviour report that the reviewer had before them.
    #[schema(value_type = Option<String>)]
    report: Option<Digest>,
    /// Why the reviewer does without one.
    #[schema(min_length = 1, max_length = 500)]
    without_report: Option<String>,
    /// Why: one line.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// The id of the reviewer's key: the SHA-256 of its bytes, 64 hexadecimal digits.
    #[schema(max_length = 64)]
    key: String,
    /// The DSSE envelope around what a rehearsal of just this answered, signed with that key within the hour.
    #[schema(value_type = Option<Object>)]
    envelope: Option<Value>,
}

/// A verdict that was filed, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerdictFiled)]
pub struct Filed {
    /// Whether this was a rehearsal: nothing was written then.
    dry_run: bool,
    /// The review as it is then.
    review: ReviewView,
    /// What was decided.
    #[schema(value_type = Object)]
    verdict: Verdict,
    /// Capabilities that it imports and of which an approval leaves nothing: it would not load.
    left_without: Vec<String>,
    /// What the reviewer is to sign: in a rehearsal without an envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<ToSign>,
}

impl New {
    /// What the reviewer chose.
    fn choice(&self) -> Result<Choice, Problem> {
        let wrong = |why: &str| Err(Problem::new(Reason::WrongBody, why));
        let seen = match (self.report, self.without_report.clone()) {
            (Some(_), Some(_)) => return wrong("report, without-report: name a report, or say why there is none."),
            (Some(report), None) => Seen::Report(report),
            (None, Some(why)) => Seen::Without(why),
            (None, None) => Seen::Unsaid,
        };
        if self.decision != Decision::Approve && self.at_most.is_some() {
            return wrong("at-most: only an approval allows anything.");
        }
        Ok(Choice {
            decision: self.decision,
            at_most: self.at_most.clone(),
            days: self.days.unwrap_or(USUAL_DAYS),
            seen,
            reason: self.reason.clone(),
        })
    }
}

/// The case, the verdict about it, and what is to be signed, where nothing was yet.
async fn decided(desk: &Desk<'_>, of: &Submission, new: &New) -> Result<(Case, Verdict, Option<ToSign>), Problem> {
    let choice = new.choice()?;
    if let Some(signed) = signing::envelope(PayloadType::Statement, new.envelope.as_ref())? {
        let (case, verdict) = desk.file(of, &choice, &new.key, &signed).await.map_err(refused)?;
        return Ok((case, verdict, None));
    }
    if !desk.trial {
        return Err(signing::unsigned());
    }
    let Prepared { case, statement } = desk.prepare(of, &choice, &new.key).await.map_err(refused)?;
    let sign = ToSign::of(PayloadType::Statement, &statement.to_bytes());
    Ok((case, statement.predicate().clone(), Some(sign)))
}

impl Operation for Decide {
    type Ports = Ports;
    type Path = Which;
    type Query = ByRoot;
    type Body = Sent<New>;
    type Answer = Filed;

    const ABOUT: About =
        About::post(actions::REVIEWS_DECIDE, "/reviews/{component}/{manifest}/verdicts", "File a reviewer's verdict")
            .id("reviews.decide")
            .text(
                "The host does not have the reviewer's key: a rehearsal without `envelope` answers what to sign, and the same request with \
                 what was signed files it. What is filed says just what the host would have it say, and is signed by `key`, which the root \
                 names as a reviewer's.",
            )
            .on(On::Tenant)
            .dry_run()
            .max_body(MAX_BODY + MAX_ENVELOPE)
            .refuses(REFUSES);

    async fn resource(_: &Ports, path: &Which, query: &ByRoot, _: &Sent<New>) -> Result<Resource, Problem> {
        Ok(path.on(query.root.as_ref()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Filed>, Problem> {
        let (submission, new) = (ports.find(&call.path).await?, &call.body.0);
        // Before anything is filed: what cannot be looked at is not approved, and can be refused.
        let inspection = match new.decision {
            Decision::Approve => {
                Some(ports.registry.inspection(&submission.release()).await.map_err(|error| refused(error.into()))?)
            }
            Decision::RequestChanges | Decision::Reject => None,
        };
        let desk = ports.desk_of(&call, call.query.root.as_ref());
        let (case, verdict, sign) = decided(&desk, &submission, new).await?;
        let catalogue = ports.registry.rules().catalogue;
        let left = inspection.map(|found| left_without(&found, &verdict.at_most, catalogue));
        let (review, left_without) = (ReviewView::of(&case), left.unwrap_or_default());
        Ok(answered(call.dry_run, Filed { dry_run: call.dry_run, review, verdict, left_without, sign }))
    }
}
