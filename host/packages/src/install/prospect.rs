//! What an installation would mean before there is one: for whoever asks first, and for whoever only asks.
//!
//! Invariant: nothing is stored, recorded or trusted by asking.

use std::sync::Arc;

use portcullis_model::{bounds::Bounds, id::TenantId, regional::Barred, release::ReleaseId};

use super::{InstallError, Installer, Order};
use crate::{inspect::Inspection, manifest::Manifest, plan::InstallPlan, release_dir::ReleaseFiles};

/// Why it cannot be said what an installation would mean.
#[derive(Debug, thiserror::Error)]
pub enum ProspectError {
    /// Its manifest is not whole, or asks for what nobody knows.
    #[error(transparent)]
    Manifest(#[from] crate::manifest::ManifestError),
    /// Its component cannot be read.
    #[error(transparent)]
    Component(#[from] crate::inspect::InspectError),
    /// A scope of a layer is none.
    #[error(transparent)]
    Scope(#[from] portcullis_model::scope::ScopeError),
    /// The store or the registry failed.
    #[error(transparent)]
    Install(#[from] InstallError),
}

impl Installer<'_> {
    /// A release that lies in the registry, as it would be handed over. Nothing of it is trusted by that.
    ///
    /// # Errors
    /// It is not there, or its bytes are not those that its id says.
    pub async fn shelved(&self, id: &ReleaseId) -> Result<ReleaseFiles, InstallError> {
        let missing = portcullis_model::release::ReleaseError::Missing(id.component);
        let stored = self.registry.store().release(id).await?.filter(|stored| stored.id() == *id).ok_or(missing)?;
        let component: Arc<[u8]> = portcullis_model::release::Releases::component(self.registry, id).await?;
        Ok(ReleaseFiles::new(stored, component))
    }

    /// What an installation would mean, with what is missing for it. `trusting`: its publisher is about to be trusted, so that
    /// it says nothing yet that it is not.
    ///
    /// # Errors
    /// The release's own parts cannot be understood, or the store failed.
    pub async fn prospect(
        &self,
        files: &ReleaseFiles,
        order: &Order,
        bounds: &Bounds,
        trusting: bool,
    ) -> Result<InstallPlan, ProspectError> {
        bounds.refresh().await.map_err(InstallError::from)?;
        let manifest = Manifest::parse(&files.stored.manifest)?;
        let inspection = Inspection::of(&files.component)?;
        let rules = self.registry.rules();
        let (everything, destinations) = (manifest.asked(), manifest.destinations());
        let ceiling = bounds.ceiling(&order.tenant, &everything, &destinations, rules.catalogue)?;
        let mut plan = InstallPlan::new(&manifest, &inspection, rules, &ceiling)?;
        plan.refusals.extend(vetoes(bounds, &manifest, order));
        if trusting {
            return Ok(plan);
        }
        let known = self.registry.statements().statements(&files.stored.id()).await;
        let mut statements = known.map_err(InstallError::from)?;
        statements.extend(files.statements.iter().cloned());
        let component = Some(&files.component);
        let examined = self.registry.examine(&files.stored, &statements, component, &order.tenant).await;
        let judged = examined.as_ref().map(|examined| &examined.release);
        let grant = order.grant.clone().unwrap_or_else(|| manifest.required());
        Ok(plan.lacking(judged, &grant, rules.catalogue)?)
    }
}

/// Why a tenant's rules have it not installed, whoever agrees: where it would send (DAT-7), what it would say (DAT-14).
pub fn vetoes(bounds: &Bounds, manifest: &Manifest, order: &Order) -> Vec<String> {
    let mut all = elsewhere(bounds, manifest, order);
    all.extend(advice(bounds, manifest, &order.tenant));
    all
}

/// Why a plugin whose answers can be medical advice is not for this tenant (DAT-14).
fn advice(bounds: &Bounds, manifest: &Manifest, tenant: &TenantId) -> Option<String> {
    let gives = manifest.ai.as_ref().is_some_and(|ai| ai.medical_advice);
    let refused = bounds.live.as_ref().is_some_and(|live| live.settings(tenant).ai_notice);
    (gives && refused).then(|| {
        format!("by generative AI it can give medical advice, as its publisher says, and the profiles of tenant '{tenant}' refuse that")
    })
}

/// Why what would be granted sends to where the tenant's data may not go (DAT-7).
fn elsewhere(bounds: &Bounds, manifest: &Manifest, order: &Order) -> Vec<String> {
    let tenant = &order.tenant;
    let Some(regions) = bounds.regions(tenant) else { return Vec::new() };
    let required = manifest.required();
    let granted = order.grant.as_deref().unwrap_or(&required);
    let said = |barred: Barred| {
        format!(
            "{barred}, and data of tenant '{tenant}' may go to {regions} alone: grant nothing that sends there, or have the \
             tenant's admin agree to other 'regions' in [tenants.{tenant}]"
        )
    };
    bounds.barred(tenant, granted, &manifest.destinations()).into_iter().map(said).collect()
}
