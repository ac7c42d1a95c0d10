//! `PUT /people/{id}/role`: gives a person another role, or another end to it.

use portcullis_model::{
    id::RoleName,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{At, Changed, Ports, Which, pinned, refused, until};
use crate::{
    admin::{About, Call, On, Operation, Reply, Sent, Version, unavailable},
    problem::{Problem, Reason},
};

/// Changes a person's role.
pub struct ChangeRole;

/// To which.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRoleOfPerson)]
pub struct NewRole {
    /// As what.
    #[schema(value_type = String)]
    role: RoleName,
    /// Until when; absent: until it is taken away.
    #[serde(default)]
    until: Option<String>,
}

impl Operation for ChangeRole {
    type Ports = Ports;
    type Path = Which;
    type Query = At;
    type Body = Sent<NewRole>;
    type Answer = Changed;

    const ABOUT: About = About::put(actions::PEOPLE_ROLE_CHANGE, "/people/{id}/role", "Give a person another role")
        .text("Every session of theirs ends, where they have no role elsewhere. A rehearsal says what they would gain and lose.")
        .on(On::Tenant)
        .dry_run()
        .version(Version::Needed)
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &At, _: &Sent<NewRole>) -> Result<Resource, Problem> {
        Ok(query.resource("person").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let (place, id, NewRole { role, until: end }) = (call.query.tenant.as_ref(), &call.path.id, &call.body.0);
        let until = until(end.as_deref())?;
        let access = ports.acting(call.dry_run)?;
        let (_, held, _) = access.person_at(&call.caller, place, id).await.map_err(refused)?;
        pinned(call.expected, held.version)?;
        let before = access.reach_of(place, &held.role).await.map_err(|error| unavailable(&error))?;
        let after = access.reach_of(place, role).await.map_err(|error| unavailable(&error))?;
        let sessions_ended = access.set_role(&call.caller, place, id, role, until).await.map_err(refused)?;
        let mut person = ports.seen(&access, &call.query, &call.caller, id).await?;
        if call.dry_run {
            person.role = role.to_string();
            person.until = until.map(|until| until.to_string());
        }
        let version = person.version;
        let changed = Changed {
            dry_run: call.dry_run,
            person: Some(person),
            sessions_ended,
            gained: after.beyond(&before),
            lost: before.beyond(&after),
        };
        let reply = Reply::json(changed).at(version);
        Ok(if call.dry_run { reply.tried() } else { reply })
    }
}
