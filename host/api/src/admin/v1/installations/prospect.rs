//! `POST /installations/plan`: what installing a release would mean that need not be in the registry, out of its bundle.

use portcullis_model::{
    id::TenantId,
    people::{Resource, actions},
};
use portcullis_packages::{
    bundle::MAX_BUNDLE,
    install::{Order, vetoes},
    manifest::Manifest,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    Ports,
    install::{unclear, unfit},
    listed_scopes, words,
};
use crate::{
    admin::{About, Bare, Call, Operation, Packed, Reply, unavailable},
    problem::{Problem, Reason},
};

/// Plans an installation.
pub struct Plan;

/// Where it would be installed, and what it would be granted.
#[derive(Deserialize, IntoParams)]
pub struct Planning {
    /// In which tenant.
    #[param(value_type = String)]
    tenant: TenantId,
    /// As if these scopes were granted: one a line. Without it, all that the manifest does not call optional.
    grant: Option<String>,
    /// As if its publisher were trusted: then nothing is said to be missing.
    #[serde(default)]
    trusting: bool,
}

/// What an installation would mean.
#[derive(Serialize, ToSchema)]
#[schema(as = InstallationPlanned)]
pub struct Prospect {
    /// What it means: every scope with its purpose, meaning and risk, what it cannot do, what is missing, and why it would be
    /// refused.
    #[schema(value_type = Object)]
    plan: Value,
    /// The same in words.
    words: String,
    /// Why the tenant's rules have it not installed, whoever agrees.
    vetoes: Vec<String>,
}

impl Planning {
    fn order(&self) -> Result<Order, Problem> {
        let grant = self.grant.as_deref().map(listed_scopes).transpose()?;
        Ok(Order { tenant: self.tenant.clone(), grant, limits: None })
    }
}

impl Operation for Plan {
    type Ports = Ports;
    type Path = Bare;
    type Query = Planning;
    type Body = Packed;
    type Answer = Prospect;

    const ABOUT: About =
        About::post(actions::INSTALLATIONS_PLAN, "/installations/plan", "Show what installing a release would mean")
            .id("installations.prospect")
            .text(
                "The body is the release's bundle, as `portcullis plugin bundle` makes it; it need not be in the registry. Nothing of it \
                 is trusted, stored or run by that. It takes the right on the platform, whose registry the release would be put into, \
                 and in the tenant. For one that is in the registry, try POST /admin/v1/installations out.",
            )
            .max_body(MAX_BUNDLE)
            .refuses(&[Reason::Unknown, Reason::Refused]);

    // The right on the platform is asked for before a body of this size is read.
    async fn resource(_: &Ports, _: &Bare, query: &Planning, _: &Packed) -> Result<Resource, Problem> {
        Ok(Resource::of(query.tenant.clone(), "installation"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Prospect>, Problem> {
        let (order, files) = (call.query.order()?, &call.body.0);
        let manifest = Manifest::parse(&files.stored.manifest).map_err(|error| unfit(&error))?;
        let installer = ports.installer(ports.installations.as_ref(), ports.recorder.as_ref(), call.actor(), false);
        let plan = installer.prospect(files, &order, &ports.bounds, call.query.trusting).await.map_err(unclear)?;
        let vetoes = vetoes(&ports.bounds, &manifest, &order).iter().map(|why| words(why)).collect();
        let said = plan.words();
        let plan = serde_json::to_value(&plan).map_err(|error| unavailable(&error))?;
        Ok(Reply::json(Prospect { plan, words: said, vetoes }))
    }
}
