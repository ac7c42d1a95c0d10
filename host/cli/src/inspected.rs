//! Everything that is found in a component, beside the manifest that it was released with: what `plugin inspect` prints and the
//! API answers.
//!
//! Invariant: one function makes it, for whoever asks.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{
    error::StoreError,
    id::Digest,
    inspect::Inspects,
    release::{ReleaseStore as _, Releases as _},
};
use portcullis_packages::{
    advisories::{Database, Finding, Summary},
    check::Registry,
    inspect::{Authority, Claims, Inspection, secrets},
    manifest::Manifest,
    plan::InstallPlan,
};
use portcullis_store::SqliteStore;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{commands::advisories, home::Home, host::RULES};

/// All that is found, as JSON has it.
#[derive(Serialize)]
pub struct Inspected<'a> {
    /// What it is.
    pub inspection: &'a Inspection,
    /// What its imports amount to.
    pub authority: Authority,
    /// What is asked for beside what is imported; absent where there is no manifest.
    pub claims: Option<Claims>,
    /// Secrets in the manifest's text.
    pub manifest_secrets: Vec<secrets::Finding>,
    /// What is known about what it was made of.
    pub vulnerabilities: Vulnerabilities,
    /// What an installation would mean; absent where there is no manifest.
    pub plan: Option<InstallPlan>,
}

/// What is known about its dependencies. Without a file of advisories that is nothing.
#[derive(Serialize)]
pub struct Vulnerabilities {
    /// The file of advisories that was looked into; absent where there is none.
    pub advisories: Option<Summary>,
    /// What was found there.
    pub findings: Vec<Finding>,
}

impl Vulnerabilities {
    fn of(inspection: &Inspection, database: Option<&Database>) -> Self {
        Self {
            advisories: database.map(Database::summary),
            findings: database.map(|database| database.matches(&inspection.dependencies)).unwrap_or_default(),
        }
    }
}

impl<'a> Inspected<'a> {
    /// Looks at a component, and at a manifest's text where there is one.
    pub fn of(inspection: &'a Inspection, text: Option<&str>, database: Option<&Database>) -> anyhow::Result<Self> {
        let manifest = text.map(Manifest::parse).transpose()?;
        if let Some(manifest) = &manifest {
            manifest.check(RULES.catalogue)?;
        }
        let plan = manifest.as_ref().map(|manifest| InstallPlan::new(manifest, inspection, RULES, &manifest.asked()));
        Ok(Self {
            authority: inspection.authority(RULES.catalogue),
            claims: manifest.as_ref().map(|manifest| Claims::of(manifest, inspection, RULES.catalogue)),
            manifest_secrets: secrets::scan(text.unwrap_or_default().as_bytes())?,
            vulnerabilities: Vulnerabilities::of(inspection, database),
            plan: plan.transpose()?,
            inspection,
        })
    }
}

/// Inspects what lies in the registry of one host.
pub struct Inspector {
    /// Where releases lie.
    pub store: Arc<SqliteStore>,
    /// What checks their bytes.
    pub registry: Arc<Registry>,
    /// Where the file of advisories lies.
    pub home: Home,
}

#[async_trait]
impl Inspects for Inspector {
    async fn inspected(&self, component: &Digest) -> Result<Option<Value>, StoreError> {
        let failed =
            |error: &dyn std::fmt::Display| StoreError(format!("a stored release cannot be inspected: {error}"));
        let ids = self.store.releases_with(component).await?;
        let Some(first) = ids.first() else { return Ok(None) };
        let bytes = self.registry.component(first).await.map_err(|error| failed(&error))?;
        let database = advisories::load(&self.home).map_err(|error| failed(&error))?;
        let mut releases = Vec::new();
        for id in &ids {
            releases.extend(self.store.release(id).await?.map(|stored| (id.manifest, stored.manifest)));
        }
        // Large components take a while.
        let looked = move || -> anyhow::Result<Value> {
            let inspection = Inspection::of(&bytes)?;
            let each = releases.iter().map(|(digest, text)| {
                Ok(json!({ "manifest-digest": digest, "found": Inspected::of(&inspection, Some(text), database.as_ref())? }))
            });
            Ok(json!(each.collect::<anyhow::Result<Vec<Value>>>()?))
        };
        let looked = tokio::task::spawn_blocking(looked).await.map_err(|error| failed(&error))?;
        Ok(Some(looked.map_err(|error| failed(&error))?))
    }
}
