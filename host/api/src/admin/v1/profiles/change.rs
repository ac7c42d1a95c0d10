//! `PUT /tenants/{tenant}/profiles/{profile}`: turns a profile on or off.

use portcullis_model::{
    duty::Party,
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::posture::{party, refused, who},
    Ports, ProfileTurned, Which,
};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Turns a profile on or off.
pub struct SetProfile;

/// Which way, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Turning {
    /// On, or off.
    on: bool,
    /// Why; stands in the audit log. Not needed where it is only tried out.
    #[serde(default)]
    #[schema(min_length = 10, max_length = 500)]
    reason: String,
}

impl Operation for SetProfile {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Turning>;
    type Answer = ProfileTurned;

    const ABOUT: About =
        About::put(actions::PROFILES_CHANGE, "/tenants/{tenant}/profiles/{profile}", "Turn a profile on or off")
            .text("In force from the next call on. It says what is different for each installation; try it out first.")
            .on(On::Tenant)
            .dry_run()
            .refuses(&[Reason::Refused]);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Sent<Turning>) -> Result<Resource, Problem> {
        Ok(Resource::of(path.tenant.clone(), "profile").named(path.profile.as_str()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<ProfileTurned>, Problem> {
        let Turning { on, reason } = &call.body.0;
        let Which { tenant, profile } = &call.path;
        // Before it is done: afterwards there is nothing to compare with.
        let told = ports.turned(&call.path, *on, call.dry_run).await?;
        if call.dry_run {
            return Ok(Reply::json(told).tried());
        }
        let who = who(&call.caller, party(&call.caller, Some(tenant), None, Party::Subscriber));
        let (desk, tenant, profile) = (ports.desk(), tenant.clone(), profile.clone());
        let done = match on {
            true => desk.turn_on(&who, tenant, profile, reason).await,
            false => desk.turn_off(&who, tenant, profile, reason).await,
        };
        let already = !done.map_err(refused)?;
        Ok(Reply::json(ProfileTurned { already, ..told }))
    }
}
