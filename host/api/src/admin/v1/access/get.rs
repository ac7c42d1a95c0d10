//! `GET /access`: what is set for people's access, and what holds.

use portcullis_model::people::{Resource, actions};

use super::{At, Ports, Rules, refused};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Version, unavailable},
    problem::Problem,
};

/// Shows the limits of access.
pub struct Get;

impl Operation for Get {
    type Ports = Ports;
    type Path = Bare;
    type Query = At;
    type Body = Nothing;
    type Answer = Rules;

    const ABOUT: About = About::get(actions::ACCESS_GET, "/access", "See from where and how long people sign in")
        .on(On::Tenant)
        .version(Version::Shown);

    async fn resource(_: &Ports, _: &Bare, query: &At, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("access"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Rules>, Problem> {
        let (access, place) = (ports.access()?, call.query.tenant.as_ref());
        let settings = access.settings(&call.caller, place).await.map_err(refused)?;
        let holds = access.limits_at(place).await.map_err(|error| unavailable(&error))?;
        Ok(Reply::json(Rules::of(&settings, &holds)).at(settings.version))
    }
}
