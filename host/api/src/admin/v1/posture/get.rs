//! `GET /posture`: how a tenant stands.

use portcullis_model::{
    id::{ProfileName, TenantId},
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Counts, MoveView, Ports, value};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, given::wrong, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// Shows how a tenant stands.
pub struct Get;

/// Whose, and what of it.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// Whose; the only one that you see, where it is not there.
    #[param(value_type = Option<String>)]
    pub(super) tenant: Option<TenantId>,
    /// Only the lines of this profile, which is on.
    #[param(value_type = Option<String>)]
    profile: Option<ProfileName>,
}

/// How a tenant stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Posture)]
pub struct Stands {
    /// Whose.
    tenant: String,
    /// When it was computed.
    #[schema(format = DateTime)]
    at: String,
    /// How many lines there are of each state, of all profiles.
    counts: Counts,
    /// Profile by profile: its lines, each with its duty, party, state, what that rests on and the entries of the log.
    #[schema(value_type = Vec<Object>)]
    profiles: Vec<Value>,
    /// Who has to do what, of all profiles: by party and person.
    moves: Vec<MoveView>,
}

impl Operation for Get {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Stands;

    const ABOUT: About = About::get(actions::POSTURE_GET, "/posture", "Show how a tenant stands")
        .text("Computed from live state and the audit log when it is asked for.")
        .on(On::Tenants);

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "posture"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Stands>, Problem> {
        let tenant = ports.meant(&call, call.query.tenant.as_ref()).await?;
        let posture = ports.look.posture(&tenant).await.map_err(|error| unavailable(&error))?;
        let meant = |name: &ProfileName| call.query.profile.as_ref().is_none_or(|profile| profile == name);
        let profiles = posture.profiles.iter().filter(|section| meant(&section.profile));
        let profiles = profiles.map(value).collect::<Result<Vec<Value>, Problem>>()?;
        if let (Some(profile), true) = (&call.query.profile, profiles.is_empty()) {
            return Err(wrong(format!("profile: '{profile}' is not on in {tenant}; see GET /admin/v1/profiles.")));
        }
        Ok(Reply::json(Stands {
            tenant: tenant.to_string(),
            at: posture.at.to_string(),
            counts: Counts::of(&posture),
            profiles,
            moves: MoveView::all(&posture, None),
        }))
    }
}
