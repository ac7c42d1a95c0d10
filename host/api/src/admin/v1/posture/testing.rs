//! A host with nothing installed but what a test says, as duties are looked at.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_duties::{
    catalogue::Catalogue,
    look::{Change, Elsewhere, Look, Turn},
    posture::{
        Posture,
        facts::{Facts, Observations, On},
    },
    sheet::Sheet,
};
use portcullis_model::{
    duty::{DutyStore, RiskAbout},
    error::StoreError,
    id::{Digest, InstallationId, TenantId},
    release::ReleaseId,
    time::Timestamp,
};

/// Looks at what is kept, and at one installation that there is said to be.
pub struct Still {
    pub catalogue: Catalogue,
    pub duties: Arc<dyn DutyStore>,
    pub now: Timestamp,
    /// An installation, and whose it is.
    pub installed: Option<(InstallationId, TenantId)>,
}

impl Still {
    pub fn of(duties: Arc<dyn DutyStore>, now: Timestamp) -> Self {
        Self { catalogue: Catalogue::built_in().unwrap(), duties, now, installed: None }
    }

    async fn facts(&self, tenant: &TenantId) -> Result<Facts, StoreError> {
        let state = self.duties.duty_state().await?;
        let on = state.profiles.into_iter().filter(|one| one.tenant == *tenant);
        let of_tenant = |whose: Option<&TenantId>| whose.is_none_or(|whose| whose == tenant);
        Ok(Facts {
            now: self.now,
            tenant: tenant.clone(),
            on: on.map(|turned| On { turned, entry: None }).collect(),
            attestations: state.attestations.into_iter().filter(|one| of_tenant(one.tenant.as_ref())).collect(),
            risks: state.risks.into_iter().filter(|one| one.about.tenant() == tenant).collect(),
            statics: Vec::new(),
            plain: Vec::new(),
            barred: Vec::new(),
            ai: Vec::new(),
            jwt_minutes: 5,
            observations: Observations::default(),
        })
    }

    fn judged(&self, facts: &Facts) -> Result<Posture, StoreError> {
        Posture::new(&self.catalogue, facts).map_err(|error| StoreError(error.to_string()))
    }
}

#[async_trait]
impl Look for Still {
    fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        Ok(self.installed.iter().map(|(_, tenant)| tenant.clone()).collect())
    }

    async fn posture(&self, tenant: &TenantId) -> Result<Posture, StoreError> {
        self.judged(&self.facts(tenant).await?)
    }

    async fn turned(&self, tenant: &TenantId, turn: &Turn) -> Result<(Posture, Posture), StoreError> {
        let facts = self.facts(tenant).await?;
        Ok((self.judged(&facts)?, self.judged(&facts.with(turn))?))
    }

    async fn changes(&self, tenant: &TenantId, turn: &Turn) -> Result<Vec<Change>, StoreError> {
        let change = |id: &InstallationId| Change {
            installation: id.clone(),
            plugin: "com.example.chat".parse().unwrap(),
            what: format!("something by '{}', on: {}", turn.profile, turn.on),
        };
        let of = self.installed.iter().filter(|(_, whose)| whose == tenant);
        Ok(of.map(|(id, _)| change(id)).collect())
    }

    async fn whose(&self, installation: &InstallationId) -> Result<Option<TenantId>, StoreError> {
        let found = self.installed.iter().find(|(id, _)| id == installation);
        Ok(found.map(|(_, tenant)| tenant.clone()))
    }

    async fn sheet(&self, _: &InstallationId) -> Result<Option<Sheet>, StoreError> {
        Ok(None)
    }

    async fn sheet_before(&self, release: &ReleaseId, tenant: &TenantId) -> Result<Option<Sheet>, StoreError> {
        let is_there = release.component == Digest::of(b"component");
        Ok(is_there.then(|| Sheet {
            at: self.now,
            tenant: tenant.clone(),
            installation: None,
            plugin: "com.example.chat".parse().unwrap(),
            name: "Chat".into(),
            version: "1.0.0".into(),
            publisher: "com.example".parse().unwrap(),
            summary: "Sends <b>messages</b>".into(),
            terms: "https://example.com/terms".into(),
            privacy: "https://example.com/privacy".into(),
            support: "mailto:help@example.com".into(),
            scopes: Vec::new(),
            classes: Vec::new(),
            destinations: Vec::new(),
            ai: None,
            retention: None,
            maintenance: None,
            risks: Vec::new(),
            vulnerabilities: None,
        }))
    }

    async fn unfit(&self, about: &RiskAbout) -> Result<Option<String>, StoreError> {
        Ok(match about {
            RiskAbout::Host { host, .. } if host == "pbx.example" => None,
            _ => Some("there is nothing like it".to_owned()),
        })
    }

    async fn elsewhere(&self) -> Result<Vec<Elsewhere>, StoreError> {
        Ok(Vec::new())
    }
}
