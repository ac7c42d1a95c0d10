//! `DELETE /automation/{id}`: takes a program away, with its tokens.

use portcullis_model::people::{Resource, actions};

use super::{AutomationView, Changed, Ports, Which, Whose, refused};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Takes one away.
pub struct Remove;

impl Operation for Remove {
    type Ports = Ports;
    type Path = Which;
    type Query = Whose;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About = About::delete(actions::PEOPLE_REMOVE, "/automation/{id}", "Take a program away")
        .id("automation.remove")
        .text("Its tokens are nobody's with the next request.")
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &Whose, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource(Some(path.id.as_str())))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let access = ports.acting(call.dry_run)?;
        let gone =
            access.remove_automation(&call.caller, &call.query.tenant, call.path.id.as_str()).await.map_err(refused)?;
        let view = AutomationView::of(&gone, call.now());
        let reply = Reply::json(Changed { dry_run: call.dry_run, automation: view });
        Ok(if call.dry_run { reply.tried() } else { reply })
    }
}
