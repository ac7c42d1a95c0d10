//! Sources of events: who may send, in which form, into which tenant.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    error::StoreError,
    event::EventForm,
    id::{SourceName, TenantId},
    rotation::SourceKeys,
};

/// A registered source. Its secret lies with the other secrets, under `source/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name: the last part of its webhook's URL.
    pub name: SourceName,
    /// Into which tenant its events go.
    pub tenant: TenantId,
    /// What it sends, and so how it proves that it is itself.
    pub form: EventForm,
}

impl Source {
    /// The name of its secret.
    pub fn secret_name(&self) -> String {
        format!("source/{}", self.name)
    }

    /// The name of the secret that is to take its place, while both are accepted.
    pub fn next_secret_name(&self) -> String {
        format!("source/{}/next", self.name)
    }
}

/// Where sources are kept.
#[async_trait]
pub trait SourceStore: Send + Sync {
    /// Adds one; false where the name is taken.
    async fn add_source(&self, source: Source, entry: Entry) -> Result<bool, StoreError>;

    /// Takes one away, with what is known of its secrets. False where there is none of this name.
    async fn remove_source(&self, name: &SourceName, entry: Entry) -> Result<bool, StoreError>;

    /// All.
    async fn sources(&self) -> Result<Vec<Source>, StoreError>;

    /// How the secrets of those stand that were ever rotated.
    async fn source_keys(&self) -> Result<Vec<(SourceName, SourceKeys)>, StoreError> {
        Ok(Vec::new())
    }
}
