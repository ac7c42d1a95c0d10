//! What consents and commands need of the vault, over the vault as it is: the access token in the row that requests are served
//! from, and what belongs to it (where it is from, when it ends, what renews it) sealed in a row beside it.
//!
//! Invariants: no row holds anything in the clear; what was ended goes nowhere any more.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_broker::{
    connection::Connections,
    consent::{KeepError, Keeps},
    issue::Credential,
    place::Place,
    vault::Vault,
};
use portcullis_model::{
    audit::{Entry, Kind},
    connection::{ConnectionKey, ConnectionView, Origin, Standing},
    id::{ConsentId, ProviderId, TenantId},
    secret::{SealedSecret, Secret, SecretStore as _},
    time::{Clock, Rng, Timestamp},
};
use portcullis_store::SqliteStore;
use serde::{Deserialize, Serialize};

use crate::host::{Host, person};

/// A host that leads nowhere (RFC 6761, 6.4), for what was ended.
const NOWHERE: &str = "ended.invalid";

/// What stands beside an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Beside {
    origin: Origin,
    issued: Timestamp,
    expires: Option<Timestamp>,
    standing: Standing,
    refresh: Option<String>,
    client: Option<String>,
}

/// Keeps credentials in this host's vault.
pub struct Kept {
    store: Arc<SqliteStore>,
    connections: Arc<Connections>,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl Kept {
    /// In this host's.
    pub fn new(host: &Host) -> Self {
        let (store, connections, vault) = (host.store.clone(), host.connections.clone(), host.shared_vault());
        Self { store, connections, vault, clock: host.clock.clone(), rng: host.rng.clone() }
    }

    async fn row(&self, tenant: &TenantId, name: &str) -> Result<Option<Secret>, KeepError> {
        let rows = self.store.secrets().await.map_err(failed)?;
        let found = rows.iter().find(|row| row.tenant == *tenant && row.installation.is_none() && row.name == name);
        found.map(|row| self.vault.open(row).map_err(failed)).transpose()
    }

    async fn beside(&self, key: &ConnectionKey) -> Result<Option<Beside>, KeepError> {
        let row = self.row(&key.tenant, &beside(key)).await?;
        row.map(|row| serde_json::from_slice(row.expose()).map_err(failed)).transpose()
    }

    async fn put_beside(&self, key: &ConnectionKey, it: &Beside, entry: Entry) -> Result<(), KeepError> {
        let text = Secret::new(serde_json::to_vec(it).map_err(failed)?);
        self.vault.put(key.tenant.clone(), None, &beside(key), "{}", &text, entry).await.map_err(failed)?;
        Ok(())
    }

    /// A value that is of no use, to stand where a secret was.
    fn nothing(&self) -> Secret {
        let mut bytes = [0u8; 16];
        self.rng.fill(&mut bytes);
        Secret::new(hex::encode(bytes).into_bytes())
    }

    fn view(&self, row: SealedSecret, beside: Option<Beside>) -> Result<Option<ConnectionView>, KeepError> {
        let Some(installation) = row.installation else { return Ok(None) };
        let fixed: ProviderId = "static".parse().map_err(failed)?;
        let origin = Origin { provider: fixed, settings: Default::default(), scopes: Vec::new(), risk: None };
        let beside = beside.unwrap_or(Beside {
            origin,
            issued: self.clock.now(),
            expires: None,
            standing: Standing::Ready,
            refresh: None,
            client: None,
        });
        Ok(Some(ConnectionView {
            key: ConnectionKey { tenant: row.tenant, installation, name: row.name },
            origin: beside.origin,
            place: serde_json::from_str(&row.place).map_err(failed)?,
            generation: row.generation,
            issued: beside.issued,
            expires: beside.expires,
            standing: beside.standing,
        }))
    }
}

#[async_trait]
impl Keeps for Kept {
    async fn put(
        &self,
        key: &ConnectionKey,
        place: &Place,
        origin: &Origin,
        credential: Credential,
        expires: Option<Timestamp>,
        entry: Entry,
    ) -> Result<u64, KeepError> {
        let access = credential.access.ok_or_else(|| KeepError("there is no access token to store".to_owned()))?;
        let it = Beside {
            origin: origin.clone(),
            issued: self.clock.now(),
            expires,
            standing: Standing::Ready,
            refresh: credential.refresh.map(|secret| text(&secret)).transpose()?,
            client: credential.client.map(|secret| text(&secret)).transpose()?,
        };
        // What renews it first: an access token without it would only end.
        self.put_beside(key, &it, entry.clone().with("part", "renewal")).await?;
        let owner = (key.tenant.clone(), key.installation.clone());
        self.connections.put(owner, &key.name, place, &access, entry).await.map_err(failed)
    }

    async fn credential(&self, key: &ConnectionKey) -> Result<Option<(Origin, Credential)>, KeepError> {
        let Some(beside) = self.beside(key).await? else { return Ok(None) };
        let rows = self.store.secrets().await.map_err(failed)?;
        let is = |row: &&SealedSecret| {
            row.tenant == key.tenant && row.installation.as_ref() == Some(&key.installation) && row.name == key.name
        };
        let access = rows.iter().find(is).map(|row| self.vault.open(row)).transpose().map_err(failed)?;
        let secret = |text: Option<String>| text.map(|text| Secret::new(text.into_bytes()));
        let credential = Credential { access, refresh: secret(beside.refresh), client: secret(beside.client) };
        Ok(Some((beside.origin, credential)))
    }

    async fn views(&self) -> Result<Vec<ConnectionView>, KeepError> {
        let mut views = Vec::new();
        for row in self.store.secrets().await.map_err(failed)? {
            let Some(installation) = row.installation.clone() else { continue };
            let key = ConnectionKey { tenant: row.tenant.clone(), installation, name: row.name.clone() };
            let beside = self.beside(&key).await?;
            views.extend(self.view(row, beside)?);
        }
        Ok(views)
    }

    async fn end(&self, key: &ConnectionKey, entry: Entry) -> Result<(), KeepError> {
        let owner = (key.tenant.clone(), key.installation.clone());
        let put = self.connections.put(owner, &key.name, &Place::bearer(NOWHERE), &self.nothing(), entry.clone()).await;
        put.map_err(failed)?;
        if let Some(beside) = self.beside(key).await? {
            let standing = Standing::Revoked { since: self.clock.now() };
            let it = Beside { standing, refresh: None, client: None, ..beside };
            self.put_beside(key, &it, entry.with("part", "renewal")).await?;
        }
        Ok(())
    }

    async fn hold(
        &self,
        consent: &ConsentId,
        tenant: &TenantId,
        client: &Secret,
        entry: Entry,
    ) -> Result<(), KeepError> {
        self.vault.put(tenant.clone(), None, &held(consent), "{}", client, entry).await.map_err(failed)?;
        Ok(())
    }

    async fn held(&self, consent: &ConsentId, tenant: &TenantId) -> Result<Option<Secret>, KeepError> {
        self.row(tenant, &held(consent)).await
    }

    async fn release(&self, consent: &ConsentId, tenant: &TenantId) -> Result<(), KeepError> {
        if self.row(tenant, &held(consent)).await?.is_none() {
            return Ok(());
        }
        let entry = Entry::new(self.clock.now(), Kind::ConsentEnded, person(), Some(tenant.clone()))
            .with("consent", consent.as_str())
            .with("forgotten", "the client's secret");
        self.vault.put(tenant.clone(), None, &held(consent), "{}", &self.nothing(), entry).await.map_err(failed)?;
        Ok(())
    }
}

fn beside(key: &ConnectionKey) -> String {
    format!("connection/{}/{}", key.installation, key.name)
}

fn held(consent: &ConsentId) -> String {
    format!("consent/{consent}")
}

fn text(secret: &Secret) -> Result<String, KeepError> {
    String::from_utf8(secret.expose().to_vec()).map_err(|_| KeepError("a secret is no text".to_owned()))
}

fn failed(error: impl std::fmt::Display) -> KeepError {
    KeepError(error.to_string())
}
