//! `POST /releases/{component}/{manifest}/override`: lets a release run although it is older than it may be; a rehearsal says what to sign.

use std::time::Duration;

use portcullis_model::{
    audit::plain,
    people::{Resource, actions},
    release::ReleaseId,
};
use portcullis_packages::{
    dsse::{Envelope, MAX_ENVELOPE, PayloadType},
    trust::{
        keeper::{Keeper, KeeperError},
        withdrawal::{MOST_DAYS, Override as Given},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Ports, Which};
use crate::{
    admin::{
        About, Bare, Call, MAX_BODY, Operation, Reply, Sent,
        v1::signing::{self, ToSign},
    },
    problem::{Problem, Reason},
};

/// Lets a release run below the floor.
pub struct Override;

/// Why, for how long, and what was signed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NewOverride)]
pub struct New {
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// For how many days.
    #[schema(minimum = 1, maximum = 365)]
    days: u64,
    /// The DSSE envelope around what a rehearsal of just this answered.
    #[schema(value_type = Option<Object>)]
    envelope: Option<Value>,
}

/// Leave to run a release that was filed, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OverrideFiled)]
pub struct Filed {
    /// Whether this was a rehearsal: nothing was written then.
    dry_run: bool,
    /// Which release may run, why, and until when.
    #[schema(value_type = Object)]
    given: Given,
    /// Whose signatures are missing, in a rehearsal; null where none is.
    lacks: Option<String>,
    /// What is to be signed: in a rehearsal without an envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<ToSign>,
}

impl Operation for Override {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<New>;
    type Answer = Filed;

    const ABOUT: About = About::post(
        actions::RELEASES_OVERRIDE,
        "/releases/{component}/{manifest}/override",
        "Let a release run although it is older than it may be",
    )
    .text(
        "Signed by whom a root trusts with overrides. The host does not have the keys: a rehearsal without `envelope` answers what to sign, \
         one with it whether enough have signed, and the same request with what was signed files it. What it lets run is suspended when it \
         expires.",
    )
    .dry_run()
    .max_body(MAX_BODY + MAX_ENVELOPE)
    .refuses(&[Reason::Conflict, Reason::Refused]);

    async fn resource(_: &Ports, _: &Which, _: &Bare, _: &Sent<New>) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("release"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Filed>, Problem> {
        let (id, new) = (call.path.id(), &call.body.0);
        if !(1..=u64::from(MOST_DAYS)).contains(&new.days) {
            return Err(Problem::new(Reason::WrongBody, format!("days: expected 1 to {MOST_DAYS}.")));
        }
        let Some(envelope) = signing::envelope(PayloadType::Override, new.envelope.as_ref())? else {
            return match call.dry_run {
                true => prepared(ports, id, new).map(|filed| Reply::json(filed).tried()),
                false => Err(signing::unsigned()),
            };
        };
        let given = said(&envelope, id, new)?;
        let keeper = Keeper { registry: &ports.registry, clock: ports.clock.as_ref(), actor: call.actor() };
        if call.dry_run {
            let lacks = match keeper.read(&id, &envelope.to_json()).await {
                Ok(_) => None,
                Err(error @ KeeperError::Stranger(_)) => Some(plain(&error.to_string())),
                Err(error) => return Err(signing::refused(&error)),
            };
            return Ok(Reply::json(Filed { dry_run: true, given, lacks, sign: None }).tried());
        }
        keeper.state(&id, &envelope.to_json()).await.map_err(|error| signing::refused(&error))?;
        Ok(Reply::json(Filed { dry_run: false, given, lacks: None, sign: None }))
    }
}

fn days(new: &New) -> Duration {
    Duration::from_secs(new.days.saturating_mul(24 * 60 * 60))
}

fn prepared(ports: &Ports, id: ReleaseId, new: &New) -> Result<Filed, Problem> {
    let now = ports.clock.now();
    let given = Given {
        component: id.component,
        manifest: id.manifest,
        reason: new.reason.clone(),
        issued: now,
        expires: now.plus(days(new)),
    };
    given.check().map_err(|error| signing::refused(&error.into()))?;
    let sign = Some(ToSign::of(PayloadType::Override, &given.to_bytes()));
    Ok(Filed { dry_run: true, given, lacks: Some("nobody signed it yet".to_owned()), sign })
}

/// What was signed, where that is what is asked for.
fn said(envelope: &Envelope, id: ReleaseId, new: &New) -> Result<Given, Problem> {
    let given = Given::read(envelope).map_err(|error| signing::refused(&error.into()))?;
    let same = given.release() == id && given.reason == new.reason && given.expires <= given.issued.plus(days(new));
    if same { Ok(given) } else { Err(signing::other()) }
}
