//! `DELETE /sign-in/providers/{tenant}`: takes a tenant's provider away, with the host's secret there.

use portcullis_model::{
    people::{AccessSettings, Resource, actions},
    secret::SecretChange,
};

use super::{Changed, Ports, Which, slot};
use crate::{
    admin::{
        About, Bare, Call, Nothing, On, Operation, Reply, Version, unknown,
        v1::people::{pinned, refused},
    },
    problem::{Problem, Reason},
};

/// Takes one away.
pub struct Remove;

impl Operation for Remove {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About =
        About::delete(actions::ACCESS_CHANGE, "/sign-in/providers/{tenant}", "Take a tenant's sign-in provider away")
            .id("sign-in.remove")
            .text("Its people sign in with passkeys from then on. Sessions that began by it end at once.")
            .on(On::Tenant)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(path.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let (access, tenant) = (ports.people.acting(call.dry_run)?, &call.path.tenant);
        let before = access.settings(&call.caller, Some(tenant)).await.map_err(refused)?;
        let gone = slot(tenant, &before).ok_or_else(|| unknown("This tenant has no provider of its own."))?;
        pinned(call.expected, before.version)?;
        let new = AccessSettings { provider: None, ..before.clone() };
        let secrets = vec![SecretChange::Forget(gone)];
        let set = access.set_settings_with(&call.caller, Some(tenant), new, secrets).await;
        let after = set.map_err(refused)?;
        let reply = Reply::json(Changed { dry_run: call.dry_run, sign_in: ports.view(tenant, &after, false) });
        match call.dry_run {
            true => Ok(reply.at(before.version).tried()),
            false => Ok(reply.at(after.version)),
        }
    }
}
