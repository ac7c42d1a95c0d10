//! `GET /components/{digest}/inspection`: what a component in the registry is and can do, as `plugin inspect` says it.

use portcullis_model::{
    id::Digest,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, unavailable, unknown},
    problem::Problem,
};

/// Inspects a component.
pub struct Inspect;

/// Which component.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// The component's digest: `sha256:` and 64 hexadecimal digits.
    #[param(value_type = String)]
    digest: Digest,
}

/// What was found in a component, once for each manifest that it was released with.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Vec<Object>)]
pub struct Inspection(Value);

impl Operation for Inspect {
    type Ports = super::Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Inspection;

    const ABOUT: About = About::get(
        actions::COMPONENTS_INSPECT,
        "/components/{digest}/inspection",
        "Inspect a component of the registry",
    )
    .on(On::Tenants);

    async fn resource(_: &super::Ports, _: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("release"))
    }

    async fn handle(ports: &super::Ports, call: Call<Self>) -> Result<Reply<Inspection>, Problem> {
        let found = ports.inspects.inspected(&call.path.digest).await.map_err(|error| unavailable(&error))?;
        let advice = "Expected the digest of a component in the registry: 'sha256:' and 64 digits.";
        found.map(|found| Reply::json(Inspection(found))).ok_or_else(|| unknown(advice))
    }
}
