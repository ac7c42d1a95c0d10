//! `GET /profiles`: what profiles there are, what each sets, and where it is on.

use portcullis_model::{
    id::{ProfileName, TenantId},
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Ports;
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// Lists profiles.
pub struct List;

/// Whose.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// Only where they are on in this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

/// All profiles.
#[derive(Debug, Serialize, ToSchema)]
pub struct Profiles {
    /// The profiles; the one that is always on first.
    items: Vec<ProfileView>,
}

/// A profile.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Profile)]
pub struct ProfileView {
    /// Its name.
    #[schema(value_type = String)]
    profile: ProfileName,
    /// Whom it is for.
    words: String,
    /// Whether it is on for every tenant.
    always: bool,
    /// What it sets.
    settings: Vec<SettingView>,
    /// Where it is on, as far as you see.
    on: Vec<OnIn>,
}

/// A setting of a profile.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProfileSetting)]
pub struct SettingView {
    /// The duty that it belongs to.
    duty: String,
    /// What it asks for.
    words: String,
}

/// Where a profile is on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProfileOn)]
pub struct OnIn {
    /// In which tenant.
    tenant: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// Who turned it on.
    by: String,
    /// Why.
    reason: String,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Profiles;

    const ABOUT: About =
        About::get(actions::POSTURE_GET, "/profiles", "List profiles").id("profiles.list").on(On::Tenants);

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "profile"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Profiles>, Problem> {
        let on = ports.duties.duty_state().await.map_err(|error| unavailable(&error))?.profiles;
        let on = call.visible(call.query.tenant.as_ref(), on, |one| &one.tenant).await?;
        let items = ports.look.catalogue().profiles.iter().map(|profile| ProfileView {
            profile: profile.name.clone(),
            words: profile.words.clone(),
            always: profile.always,
            settings: profile
                .settings
                .iter()
                .map(|one| SettingView { duty: one.duty.to_string(), words: one.value.words() })
                .collect(),
            on: on
                .iter()
                .filter(|one| one.profile == profile.name)
                .map(|one| OnIn {
                    tenant: one.tenant.to_string(),
                    since: one.since.to_string(),
                    by: one.by.clone(),
                    reason: one.reason.clone(),
                })
                .collect(),
        });
        Ok(Reply::json(Profiles { items: items.collect() }))
    }
}
