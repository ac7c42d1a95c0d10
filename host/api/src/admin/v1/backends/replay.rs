//! `POST /installations/{id}/backend/replay`: sends messages again that were given up.

use portcullis_model::{
    audit::{Kind, query::moment},
    people::{Resource, actions},
    time::Timestamp,
    webhook::Replay,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ports, Which, entry};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable},
    problem::{Problem, Reason},
};

/// The first moment that there is a text for.
const FIRST: Timestamp = Timestamp(-62_167_219_200_000);

/// Sends again.
pub struct SendAgain;

/// Which messages; all that were given up, where nothing is said.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BackEndReplay)]
pub struct Wanted {
    /// Only those about what happened then or later.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// Only this one, even if it was accepted.
    delivery: Option<u64>,
}

/// How many are sent again, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BackEndReplayed)]
pub struct Done {
    /// Whether this was a rehearsal: nothing is sent again then.
    dry_run: bool,
    /// How many are sent again.
    replayed: u64,
}

impl Operation for SendAgain {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Wanted>;
    type Answer = Done;

    const ABOUT: About = About::post(
        actions::BACKENDS_REPLAY,
        "/installations/{id}/backend/replay",
        "Send messages to a back end again",
    )
    .text("A message has the same id as before, so that a back end which did take it knows it again.")
    .on(On::Installation)
    .dry_run()
    .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Wanted>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Done>, Problem> {
        let (installation, back_end) = ports.both(&call).await?;
        let which = which(&call.body.0)?;
        if !back_end.is_active() {
            return Err(Problem::new(Reason::Conflict, "The back end is disabled: set it again, which lets it go on."));
        }
        let replayed = match call.dry_run {
            true => ports.outbox.replayable(&installation.id, which).await,
            false => {
                let told = entry(&call, Kind::BackendReplayed, &installation);
                ports.outbox.replay(&installation.id, which, told).await
            }
        };
        let replayed = replayed.map_err(|error| unavailable(&error))?;
        if let (0, Replay::One(_)) = (replayed, which) {
            return Err(Problem::new(Reason::Conflict, "This installation has no finished message of this number."));
        }
        let reply = Reply::json(Done { dry_run: call.dry_run, replayed });
        Ok(if call.dry_run { reply.tried() } else { reply })
    }
}

fn which(wanted: &Wanted) -> Result<Replay, Problem> {
    let wrong = |why| Problem::new(Reason::WrongBody, why);
    match (wanted.delivery, wanted.since.as_deref()) {
        (Some(_), Some(_)) => Err(wrong("Say since when, or which delivery, and not both.")),
        (Some(number), None) => {
            i64::try_from(number).map(Replay::One).map_err(|_| wrong("delivery: expected the number of a message."))
        }
        (None, None) => Ok(Replay::Since(FIRST)),
        (None, Some(text)) => {
            let since = moment(text).filter(|at| *at >= FIRST);
            since.map(Replay::Since).ok_or_else(|| wrong("since: expected a time such as 2027-01-31T18:00:00Z."))
        }
    }
}
