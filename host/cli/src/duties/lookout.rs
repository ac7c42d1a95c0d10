//! This host, as postures, sheets and rehearsals are asked of it.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use portcullis_broker::{connection::STATIC, consent::Keeps};
use portcullis_duties::{
    catalogue::Catalogue,
    look::{Change, Elsewhere, Look, Turn},
    posture::Posture,
    sheet::Sheet,
};
use portcullis_model::{
    duty::{RiskAbout, STATIC_TOKEN, WITHOUT_TLS},
    error::StoreError,
    id::{DutyId, InstallationId, TenantId},
    installation::{Installation, InstallationStore as _},
    release::ReleaseId,
};

use super::{facts, plan};
use crate::{host::Host, reading::LogReader};

/// Looks at a host.
pub struct Lookout {
    host: Host,
    reader: Arc<LogReader>,
}

impl Lookout {
    /// Of this host, whose log is read by this reader.
    pub fn new(host: &Host, reader: &Arc<LogReader>) -> Arc<Self> {
        Arc::new(Self { host: host.clone(), reader: reader.clone() })
    }

    async fn found(&self, id: &InstallationId) -> Result<Option<Installation>, StoreError> {
        self.host.store.installation(id).await
    }

    async fn posture_of(&self, tenant: &TenantId) -> Result<Posture> {
        super::posture(&self.host, self.reader.as_ref(), tenant).await
    }

    async fn postures_of(&self, tenant: &TenantId, turn: &Turn) -> Result<(Posture, Posture)> {
        let facts = facts::gather(&self.host, self.reader.as_ref(), tenant).await?;
        let catalogue = self.host.duties.catalogue();
        Ok((Posture::new(catalogue, &facts)?, Posture::new(catalogue, &facts.with(turn))?))
    }
}

/// Why there is nothing that a risk could be about; `None` where there is.
pub async fn unfit(host: &Host, about: &RiskAbout) -> Result<Option<String>> {
    Ok(match about {
        RiskAbout::Connection(key) => {
            let views = Keeps::views(&*host.connections).await?;
            let found = views.iter().find(|view| view.key == *key);
            match found.map(|view| view.origin.provider.as_str()) {
                None => Some(format!(
                    "{} has no connection '{}'; see 'portcullis connection list'",
                    key.installation, key.name
                )),
                Some(STATIC) => None,
                Some(_) => Some(format!("connection '{}' is no static token: it needs nobody's word", key.name)),
            }
        }
        RiskAbout::Host { host: name, .. } => host.config.egress.plaintext.iter().all(|one| one.host != *name).then(|| {
            format!("the configuration lists no host '{name}' in [[egress.plaintext]]: it is reached by TLS or not at all")
        }),
    })
}

/// Risks that somebody answers for with a connection, or in the configuration.
pub async fn elsewhere(host: &Host) -> Result<Vec<Elsewhere>> {
    let id = |name: &str| name.parse::<DutyId>().context("a duty's id");
    let (of_tokens, of_hosts) = (id(STATIC_TOKEN)?, id(WITHOUT_TLS)?);
    let views = Keeps::views(&*host.connections).await?.into_iter();
    let tokens = views.filter_map(|view| {
        let risk = view.origin.risk?;
        let about = format!("connection {}", view.key);
        Some(Elsewhere { duty: of_tokens.clone(), tenant: Some(view.key.tenant), about, risk })
    });
    let hosts = host.config.egress.plaintext.iter().map(|one| Elsewhere {
        duty: of_hosts.clone(),
        tenant: None,
        about: format!("host {} of every tenant", one.host),
        risk: one.risk(),
    });
    Ok(tokens.chain(hosts).collect())
}

fn failed(error: anyhow::Error) -> StoreError {
    StoreError(format!("{error:#}"))
}

#[async_trait]
impl Look for Lookout {
    fn catalogue(&self) -> &Catalogue {
        self.host.duties.catalogue()
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        super::tenants(&self.host).await.map_err(failed)
    }

    async fn posture(&self, tenant: &TenantId) -> Result<Posture, StoreError> {
        self.posture_of(tenant).await.map_err(failed)
    }

    async fn turned(&self, tenant: &TenantId, turn: &Turn) -> Result<(Posture, Posture), StoreError> {
        self.postures_of(tenant, turn).await.map_err(failed)
    }

    async fn changes(&self, tenant: &TenantId, turn: &Turn) -> Result<Vec<Change>, StoreError> {
        plan::turned(&self.host, tenant, turn).await.map_err(failed)
    }

    async fn whose(&self, installation: &InstallationId) -> Result<Option<TenantId>, StoreError> {
        Ok(self.found(installation).await?.map(|one| one.tenant))
    }

    async fn sheet(&self, installation: &InstallationId) -> Result<Option<Sheet>, StoreError> {
        let Some(found) = self.found(installation).await? else { return Ok(None) };
        let made = async {
            let posture = self.posture_of(&found.tenant).await?;
            super::sheet(&self.host, &posture, &found).await
        };
        made.await.map(Some).map_err(failed)
    }

    async fn sheet_before(&self, release: &ReleaseId, tenant: &TenantId) -> Result<Option<Sheet>, StoreError> {
        super::sheet_before(&self.host, release, tenant).await.map_err(failed)
    }

    async fn unfit(&self, about: &RiskAbout) -> Result<Option<String>, StoreError> {
        unfit(&self.host, about).await.map_err(failed)
    }

    async fn elsewhere(&self) -> Result<Vec<Elsewhere>, StoreError> {
        elsewhere(&self.host).await.map_err(failed)
    }
}
