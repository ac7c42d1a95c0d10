//! `GET /tenants/{tenant}/profiles/{profile}/plan`: what turning a profile on or off would do, for whoever may see the posture.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ports, ProfileTurned, Which};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply},
    problem::{Problem, Reason},
};

/// Says what it would do.
pub struct Plan;

/// Which way.
#[derive(Deserialize, IntoParams)]
pub struct Way {
    /// On, or off; on where it is not there.
    #[param(default = true)]
    on: Option<bool>,
}

impl Operation for Plan {
    type Ports = Ports;
    type Path = Which;
    type Query = Way;
    type Body = Nothing;
    type Answer = ProfileTurned;

    const ABOUT: About = About::get(
        actions::POSTURE_GET,
        "/tenants/{tenant}/profiles/{profile}/plan",
        "Say what turning a profile on or off would do",
    )
    .id("profiles.plan")
    .text("What each installation would lose, how the tenant would stand, and who would have to do what. Nothing is changed.")
    .on(On::Tenant)
    .refuses(&[Reason::Refused]);

    async fn resource(_: &Ports, path: &Which, _: &Way, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of(path.tenant.clone(), "profile").named(path.profile.as_str()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<ProfileTurned>, Problem> {
        ports.turned(&call.path, call.query.on.unwrap_or(true), true).await.map(Reply::json)
    }
}
