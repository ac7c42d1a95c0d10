//! `GET /releases/{component}/{manifest}`: what a release is, asks for, can do and cannot do.

use portcullis_model::{
    audit::plain,
    people::{Resource, actions},
};
use portcullis_packages::plan::InstallPlan;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Ports, Which, unfit};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Shows a release.
pub struct Get;

/// What a release is. All but the publisher's own words is derived from the component's bytes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReleaseDetail {
    /// Of which plugin.
    plugin: String,
    /// Who publishes it.
    publisher: String,
    /// Its name, in the publisher's words.
    name: String,
    /// What it does, in the publisher's words.
    summary: String,
    /// The digest of its component.
    component: String,
    /// The digest of its manifest.
    manifest: String,
    /// Its number.
    number: u64,
    /// Its version, for people.
    version: String,
    /// What it cannot do, whatever is granted: sentences without a full stop.
    cannot: Vec<String>,
    /// What a careful reader should know.
    notes: Vec<String>,
    /// What its imports amount to: each capability, what it can do with it, and by which functions.
    #[schema(value_type = Object)]
    authority: Value,
    /// What an installation would mean: every scope with its purpose, meaning, risk and classes of data.
    #[schema(value_type = Object)]
    plan: Value,
}

impl Operation for Get {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = ReleaseDetail;

    const ABOUT: About = About::get(actions::RELEASES_GET, "/releases/{component}/{manifest}", "Show a release")
        .on(On::Tenants)
        .text("Nothing here says whether it is trusted in a tenant: try an install out for that.")
        .refuses(&[Reason::Refused, Reason::ReleaseRefused]);

    async fn resource(_: &Ports, _: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("release"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<ReleaseDetail>, Problem> {
        let described = ports.described(&call.path.id(), call.actor()).await?;
        let (manifest, inspection) = (&described.manifest, &described.inspection);
        let rules = ports.registry.rules();
        let plan = InstallPlan::new(manifest, inspection, rules, &manifest.asked()).map_err(|error| unfit(&error))?;
        let value = |value: Result<Value, serde_json::Error>| value.map_err(|error| unavailable(&error));
        Ok(Reply::json(ReleaseDetail {
            plugin: manifest.id.to_string(),
            publisher: manifest.publisher.to_string(),
            name: plain(&manifest.name),
            summary: plain(&manifest.summary),
            component: call.path.component.to_string(),
            manifest: call.path.manifest.to_string(),
            number: manifest.release,
            version: plain(&manifest.version),
            cannot: plan.cannot.clone(),
            notes: plan.notes.clone(),
            authority: value(serde_json::to_value(inspection.authority(rules.catalogue)))?,
            plan: value(serde_json::to_value(&plan))?,
        }))
    }
}
