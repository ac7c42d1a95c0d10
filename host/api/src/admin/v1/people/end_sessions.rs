//! `POST /people/{id}/sessions/end`: signs somebody out, at once.

use portcullis_model::{
    id::SessionId,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{At, Ports, Which, refused};
use crate::{
    admin::{About, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Ends sessions.
pub struct EndSessions;

/// Which.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EndingSessions)]
pub struct Ending {
    /// Which one; absent: all of them.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    session: Option<SessionId>,
}

/// How many ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionsEnded)]
pub struct Ended {
    /// How many.
    ended: usize,
}

impl Operation for EndSessions {
    type Ports = Ports;
    type Path = Which;
    type Query = At;
    type Body = Sent<Ending>;
    type Answer = Ended;

    const ABOUT: About = About::post(actions::SESSIONS_END, "/people/{id}/sessions/end", "End a person's sessions")
        .text("In force with the next request of that session.")
        .on(On::Tenant)
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &At, _: &Sent<Ending>) -> Result<Resource, Problem> {
        Ok(query.resource("person").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Ended>, Problem> {
        let (place, one) = (call.query.tenant.as_ref(), call.body.0.session.as_ref());
        let access = ports.access()?;
        let ended = access.end_sessions_of(&call.caller, place, &call.path.id, one).await.map_err(refused)?;
        Ok(Reply::json(Ended { ended }))
    }
}
