//! `DELETE /people/{id}`: takes a person's role away, and with the last one the account.

use portcullis_model::people::{Resource, actions};

use super::{At, Changed, Ports, Which, refused};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Removes a person.
pub struct Remove;

impl Operation for Remove {
    type Ports = Ports;
    type Path = Which;
    type Query = At;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About = About::delete(actions::PEOPLE_REMOVE, "/people/{id}", "Take a person's role away")
        .text("Where it was the last one, the account goes with all that belongs to it; elsewhere its sessions go on. The last owner stays.")
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &At, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("person").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let (place, id, access) = (call.query.tenant.as_ref(), &call.path.id, ports.acting(call.dry_run)?);
        let (_, held, _) = access.person_at(&call.caller, place, id).await.map_err(refused)?;
        let before = access.reach_of(place, &held.role).await.map_err(|error| unavailable(&error))?;
        let sessions_ended = access.remove(&call.caller, place, id).await.map_err(refused)?;
        let (gained, lost) = (Vec::new(), before.beyond(&Default::default()));
        let reply = Reply::json(Changed { dry_run: call.dry_run, person: None, sessions_ended, gained, lost });
        Ok(if call.dry_run { reply.tried() } else { reply })
    }
}
