//! `POST /installations`: installs a release of the registry in a tenant; tried out, says what that would mean.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use portcullis_model::{
    id::{Digest, TenantId},
    limits::Limits,
    people::{Resource, actions},
    release::ReleaseId,
};
use portcullis_packages::{
    install::{Order, ProspectError, vetoes},
    manifest::Manifest,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{InstallationView, Ports, pinned::Silent, refused, scopes, words};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, Version, unavailable},
    problem::{Problem, Reason},
};

/// Installs a release.
pub struct Install;

/// What is installed, where, and what it is granted.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Installing {
    /// In which tenant.
    #[schema(value_type = String, max_length = 63)]
    tenant: TenantId,
    /// The digest of the release's component.
    #[schema(value_type = String)]
    component: Digest,
    /// The digest of its manifest.
    #[schema(value_type = String)]
    manifest: Digest,
    /// What to grant: scopes, as text. Without it, all that the manifest does not call optional.
    #[serde(default)]
    grant: Option<Vec<String>>,
    /// What it may use, by the limit's name. Without it, what the manifest asks for.
    #[serde(default)]
    limits: Option<BTreeMap<String, u64>>,
}

/// An installation, or what one would mean.
#[derive(Serialize, ToSchema)]
pub struct Installed {
    /// Whether this was a rehearsal: nothing was installed then.
    dry_run: bool,
    /// What it means: every scope with its purpose, meaning and risk, what it cannot do, what is missing, and why it would be
    /// refused.
    #[schema(value_type = Object)]
    plan: Value,
    /// The installation; null after a rehearsal.
    installation: Option<InstallationView>,
}

impl Installing {
    fn order(&self, asked: Limits) -> Result<Order, Problem> {
        let grant = self.grant.as_deref().map(scopes).transpose()?;
        let limits = self.limits.as_ref().map(|named| super::limits::set(asked, named)).transpose()?;
        Ok(Order { tenant: self.tenant.clone(), grant, limits })
    }
}

impl Operation for Install {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Installing>;
    type Answer = Installed;

    const ABOUT: About = About::post(actions::INSTALLATIONS_INSTALL, "/installations", "Install a release")
        .text(
            "The release must lie in the registry; it is checked whole. With dry_run=true the plan says what would be refused or \
             is missing, and nothing is stored.",
        )
        .on(On::Installation)
        .dry_run()
        .version(Version::Shown)
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Unknown, Reason::Refused, Reason::ReleaseRefused, Reason::Conflict, Reason::OtherVersion]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, body: &Sent<Installing>) -> Result<Resource, Problem> {
        Ok(Resource::of(body.0.tenant.clone(), "installation"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Installed>, Problem> {
        let wanted = &call.body.0;
        let id = ReleaseId { component: wanted.component, manifest: wanted.manifest };
        let store = ports.installations.as_ref();
        let recorder = if call.dry_run { &Silent } else { ports.recorder.as_ref() };
        let installer = ports.installer(store, recorder, call.actor(), call.on_platform().await?);
        let files = installer.shelved(&id).await.map_err(refused)?;
        let manifest = Manifest::parse(&files.stored.manifest).map_err(|error| unfit(&error))?;
        let order = wanted.order(manifest.limits)?;
        installer.not_suspended(&order.tenant, &manifest.id).await.map_err(refused)?;
        let plan = installer.prospect(&files, &order, &ports.bounds, false).await.map_err(unclear)?;
        let plan = serde_json::to_value(&plan).map_err(|error| unavailable(&error))?;
        if call.dry_run {
            return Ok(Reply::json(Installed { dry_run: true, plan, installation: None }).tried());
        }
        if let Some(why) = vetoes(&ports.bounds, &manifest, &order).first() {
            return Err(Problem::new(Reason::Refused, words(why)));
        }
        let installation = installer.install(&files, order).await.map_err(refused)?;
        let shown = InstallationView::of(&installation, &[]);
        let reply = Reply::json(Installed { dry_run: false, plan, installation: Some(shown) });
        Ok(reply.at(installation.generation).found_at(format!("/installations/{}", installation.id)))
    }
}

/// A release whose own parts are not understood.
pub(super) fn unfit(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Reason::Refused, words(&error.to_string()))
}

/// Why it cannot be said what an installation would mean.
pub(super) fn unclear(error: ProspectError) -> Problem {
    match error {
        ProspectError::Install(error) => refused(error),
        other => unfit(&other),
    }
}
