//! Which profiles are on and which risks are accepted, in memory: asked on the way of every request, read anew when storage changes.
//!
//! Invariants: where a profile is not understood nothing is read, and what held before goes on; a risk lets pass what it is about and
//! nothing else, from its approval to the moment that it names, without anybody doing anything then.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use portcullis_model::{
    connection::ConnectionKey,
    duty::{DutyState, DutyStore, Risk, RiskAbout, STATIC_TOKEN, Settings, TenantRules, WITHOUT_TLS, is},
    error::StoreError,
    id::{ProfileName, TenantId},
    time::Timestamp,
};

use crate::catalogue::{Catalogue, CatalogueError};

/// What was read last.
#[derive(Debug)]
struct Page {
    revision: Option<u64>,
    baseline: Settings,
    tenants: BTreeMap<TenantId, Settings>,
    risks: Vec<Risk>,
}

/// Profiles and risks of all tenants.
pub struct Book {
    catalogue: Catalogue,
    store: Arc<dyn DutyStore>,
    page: RwLock<Arc<Page>>,
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Book({:?})", self.read())
    }
}

impl Book {
    /// A book on this store. Until it is read first, only what is always on holds.
    pub fn new(store: Arc<dyn DutyStore>) -> Result<Self, CatalogueError> {
        let catalogue = Catalogue::built_in()?;
        let baseline = catalogue.settings([]).map_err(|problem| CatalogueError { file: "profiles.toml", problem })?;
        let page = Page { revision: None, baseline, tenants: BTreeMap::new(), risks: Vec::new() };
        Ok(Self { catalogue, store, page: RwLock::new(Arc::new(page)) })
    }

    /// The catalogue that it reads by.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn read(&self) -> Arc<Page> {
        self.page.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn page_of(&self, state: DutyState, baseline: Settings) -> Result<Page, StoreError> {
        let mut on: BTreeMap<TenantId, Vec<ProfileName>> = BTreeMap::new();
        for one in state.profiles {
            on.entry(one.tenant).or_default().push(one.profile);
        }
        let mut tenants = BTreeMap::new();
        for (tenant, profiles) in on {
            let settings = self.catalogue.settings(&profiles).map_err(|problem| {
                StoreError(format!("tenant {tenant} has turned on what this version does not know: {problem}"))
            })?;
            tenants.insert(tenant, settings);
        }
        let risks = state.risks.into_iter().filter(|risk| risk.approved.is_some() && risk.ended.is_none()).collect();
        Ok(Page { revision: Some(state.revision), baseline, tenants, risks })
    }
}

impl Page {
    fn settings(&self, tenant: &TenantId) -> &Settings {
        self.tenants.get(tenant).unwrap_or(&self.baseline)
    }

    fn is_accepted(&self, duty: &str, about: &RiskAbout, now: Timestamp) -> bool {
        self.risks.iter().any(|risk| is(&risk.duty, duty) && risk.about == *about && risk.holds(now))
    }
}

#[async_trait]
impl TenantRules for Book {
    fn settings(&self, tenant: &TenantId) -> Settings {
        self.read().settings(tenant).clone()
    }

    fn static_token(&self, key: &ConnectionKey, now: Timestamp) -> Result<(), String> {
        let page = self.read();
        let fine = !page.settings(&key.tenant).oauth_only
            || page.is_accepted(STATIC_TOKEN, &RiskAbout::Connection(key.clone()), now);
        match fine {
            true => Ok(()),
            false => Err(format!(
                "the profile of tenant {} asks for OAuth, and nobody answers for the static token '{}': connect it by OAuth, or \
                 'portcullis risk propose {STATIC_TOKEN} --connection {}/{}'",
                key.tenant, key.name, key.installation, key.name
            )),
        }
    }

    fn without_tls(&self, tenant: &TenantId, host: &str, now: Timestamp) -> Result<(), String> {
        let page = self.read();
        let about = RiskAbout::Host { tenant: tenant.clone(), host: host.to_owned() };
        match !page.settings(tenant).tls_only || page.is_accepted(WITHOUT_TLS, &about, now) {
            true => Ok(()),
            false => Err(format!(
                "the profile of tenant {tenant} asks for TLS, and nobody answers for {host} without it: \
                 'portcullis risk propose {WITHOUT_TLS} --host {host} --tenant {tenant}'"
            )),
        }
    }

    async fn refresh(&self) -> Result<(), StoreError> {
        let before = self.read();
        if before.revision == Some(self.store.duty_revision().await?) {
            return Ok(());
        }
        let page = Arc::new(self.page_of(self.store.duty_state().await?, before.baseline.clone())?);
        let mut kept = self.page.write().unwrap_or_else(PoisonError::into_inner);
        // Of two that read at once the later state stays.
        if kept.revision < page.revision {
            *kept = page;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
