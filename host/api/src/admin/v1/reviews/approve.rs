//! `POST /releases/{component}/{manifest}/approve`: the short way to an approval, of what is installed already; a rehearsal says what to
//! sign.

use portcullis_model::{
    people::{Resource, actions},
    release::ReleaseId,
    scope::ScopeText,
};
use portcullis_packages::{
    dsse::{MAX_ENVELOPE, PayloadType},
    review::short::Bound,
    statement::Verdict,
    trust::keeper::Keeper,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Ports, USUAL_DAYS, Which, answered, refused};
use crate::{
    admin::{
        About, Bare, Call, MAX_BODY, Operation, Reply, Sent, unavailable, unknown,
        v1::signing::{self, ToSign},
    },
    problem::{Problem, Reason},
};

/// Approves what is installed.
pub struct Approve;

/// The most that the release may do, why, and what was signed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewApproval)]
pub struct New {
    /// All that it may do at most: nothing, where this is empty.
    #[schema(value_type = Vec<String>)]
    at_most: Vec<ScopeText>,
    /// In how many days it must be vetted again; 180, where it is not there.
    #[schema(minimum = 1, maximum = 365)]
    days: Option<u64>,
    /// Why: one line.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// The DSSE envelope around what a rehearsal of just this answered, signed with a reviewer's key within the hour.
    #[schema(value_type = Option<Object>)]
    envelope: Option<Value>,
}

/// An approval that was filed, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApprovalFiled)]
pub struct Filed {
    /// Whether this was a rehearsal: nothing was written then.
    dry_run: bool,
    /// What was decided.
    #[schema(value_type = Object)]
    verdict: Verdict,
    /// What a reviewer is to sign: in a rehearsal without an envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<ToSign>,
}

impl New {
    fn bound(&self) -> Bound {
        Bound { at_most: self.at_most.clone(), days: self.days.unwrap_or(USUAL_DAYS), reason: self.reason.clone() }
    }
}

impl Operation for Approve {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<New>;
    type Answer = Filed;

    const ABOUT: About = About::post(
        actions::RELEASES_APPROVE,
        "/releases/{component}/{manifest}/approve",
        "Say how much an installed release may do at most, without a review",
    )
    .text(
        "It holds for every installation of the release, at once, whether or not it was handed in, and names no behaviour report. The host \
         does not have the reviewer's key: a rehearsal without `envelope` answers what to sign, one with it whether that would be filed, and \
         the same request with what was signed files it. It says just what the request says, and is signed by a key that a root names as a \
         reviewer's.",
    )
    .dry_run()
    .max_body(MAX_BODY + MAX_ENVELOPE)
    .refuses(&[Reason::Unknown, Reason::Conflict, Reason::Refused]);

    async fn resource(_: &Ports, _: &Which, _: &Bare, _: &Sent<New>) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("release"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Filed>, Problem> {
        let (id, new) = (call.path.id(), &call.body.0);
        installed(ports, &id).await?;
        let (now, catalogue) = (ports.clock.now(), ports.registry.rules().catalogue);
        let Some(envelope) = signing::envelope(PayloadType::Statement, new.envelope.as_ref())? else {
            if !call.dry_run {
                return Err(signing::unsigned());
            }
            let statement = new.bound().statement(&id, now, catalogue).map_err(refused)?;
            let sign = Some(ToSign::of(PayloadType::Statement, &statement.to_bytes()));
            return Ok(answered(true, Filed { dry_run: true, verdict: statement.predicate().clone(), sign }));
        };
        let statement = new.bound().said(&id, &envelope, now, catalogue).map_err(refused)?;
        let keeper = Keeper { registry: &ports.registry, clock: ports.clock.as_ref(), actor: call.actor() };
        let text = envelope.to_json();
        let kept = match call.dry_run {
            true => keeper.read(&id, &text).await.map(drop),
            false => keeper.state(&id, &text).await.map(drop),
        };
        kept.map_err(|error| signing::refused(&error))?;
        let verdict = statement.predicate().clone();
        Ok(answered(call.dry_run, Filed { dry_run: call.dry_run, verdict, sign: None }))
    }
}

/// Fails where nothing of this release is installed: what is not is handed in.
async fn installed(ports: &Ports, id: &ReleaseId) -> Result<(), Problem> {
    let all = ports.installations.installations().await.map_err(|error| unavailable(&error))?;
    match all.iter().any(|one| one.release_id() == *id) {
        true => Ok(()),
        false => Err(unknown("No installation is of this release; hand it in with POST /admin/v1/reviews.")),
    }
}
