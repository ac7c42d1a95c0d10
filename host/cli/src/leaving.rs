//! Installations that are erased: waiting for it, and the receipt of it.
//!
//! Invariant: a receipt is what the published log proves, or it says that it cannot yet.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail};
use async_trait::async_trait;
use portcullis_api::admin::v1::installations::{self, Erasure};
use portcullis_audit::{Log, LogVerifier};
use portcullis_model::{
    error::StoreError,
    id::InstallationId,
    installation::{Installation, InstallationState, InstallationStore as _},
};
use portcullis_store::SqliteStore;
use serde_json::Value;

use crate::{
    erasure,
    home::Home,
    host::Host,
    log_proof::{of_entry_in, vkey},
};

/// How long a running host may take to erase what it was told to.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(200);

/// Sees to it that an installation whose time is over is erased: here where no host runs in this home, or by the host that runs,
/// which knows when its last call has ended.
///
/// # Errors
/// The host that runs has not done so in its time; it goes on trying.
pub async fn erased(host: &Host, id: &InstallationId) -> Result<Installation> {
    if let Ok(_lock) = host.home.lock()
        && let Some(one) = host.store.installation(id).await?
    {
        return Ok(erasure::purge(host, &one).await?.0);
    }
    let patience = tokio::time::Instant::now() + PATIENCE;
    loop {
        match host.store.installation(id).await? {
            Some(one) if matches!(one.state, InstallationState::Erased { .. }) => return Ok(one),
            _ if tokio::time::Instant::now() >= patience => {
                bail!("it is uninstalled; the host that runs has not erased it yet, and goes on trying: see its log");
            }
            _ => tokio::time::sleep(LOOK).await,
        }
    }
}

/// What proves that installations were erased.
pub struct Receipts {
    store: Arc<SqliteStore>,
    home: Home,
}

impl Receipts {
    /// Of this host.
    pub fn of(host: &Host) -> Self {
        Self { store: host.store.clone(), home: host.home.clone() }
    }

    /// The proof of an entry; `None` where it is not published yet.
    async fn proof(&self, index: u64) -> Result<Option<Value>> {
        let key = LogVerifier::parse(&vkey(&self.home)?)?;
        let log = Log::open(&self.home.log(), &key)?;
        if index >= log.head().size() {
            return Ok(None);
        }
        let proof = of_entry_in(&log, &key, &self.store, index).await?;
        Ok(Some(serde_json::to_value(proof)?))
    }
}

#[async_trait]
impl installations::Receipts for Receipts {
    async fn erasure(&self, id: &InstallationId) -> Result<Option<Erasure>, StoreError> {
        let Some(stored) = self.store.entry_of_erasure(id).await? else { return Ok(None) };
        let entry = stored.read().map_err(|error| StoreError(error.to_string()))?;
        let proof = self.proof(stored.index).await.map_err(|error| StoreError(format!("{error:#}")))?;
        Ok(Some(Erasure { index: stored.index, entry, proof }))
    }
}
