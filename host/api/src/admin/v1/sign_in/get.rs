//! `GET /sign-in/providers/{tenant}`: how a tenant's people sign in by a provider of its own.

use portcullis_model::people::{Resource, actions};

use super::{Ports, ProviderView, Which, slot};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Version, v1::people::refused},
    problem::Problem,
};

/// Shows a provider.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = ProviderView;

    const ABOUT: About =
        About::get(actions::ACCESS_GET, "/sign-in/providers/{tenant}", "See a tenant's sign-in provider")
            .id("sign-in.get")
            .text("Where there is none, what has to be registered at one is answered all the same.")
            .on(On::Tenant)
            .version(Version::Shown);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(path.resource())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<ProviderView>, Problem> {
        let tenant = &call.path.tenant;
        let settings = ports.people.access()?.settings(&call.caller, Some(tenant)).await.map_err(refused)?;
        let has_secret = ports.has(slot(tenant, &settings).as_ref()).await?;
        Ok(Reply::json(ports.view(tenant, &settings, has_secret)).at(settings.version))
    }
}
