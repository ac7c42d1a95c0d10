//! Sources of events: who may send, in which form, into which tenant.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    error::StoreError,
    event::EventForm,
    id::{SourceName, TenantId},
    rotation::SourceKeys,
    secret::{SecretPut, Slot},
};

/// The most sources of one tenant.
pub const MOST: usize = 200;

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

    /// Where a secret of this name lies.
    pub fn slot(&self, name: String) -> Slot {
        Slot { tenant: self.tenant.clone(), installation: None, name }
    }
}

/// A source that is to be registered, with its first secret.
#[derive(Clone, Debug)]
pub struct NewSource {
    /// The source.
    pub source: Source,
    /// How its secrets stand then.
    pub keys: SourceKeys,
    /// Its secret. `None`: what it sends is refused until it has one.
    pub secret: Option<SecretPut>,
}

/// What came of registering a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Done,
    /// The name is taken. Nothing was changed.
    Taken,
    /// Its tenant has [`MOST`] already. Nothing was changed.
    TooMany,
    /// Its secret was made from what is not so any more. Nothing was changed.
    Stale,
}

/// Where sources are kept.
#[async_trait]
pub trait SourceStore: Send + Sync {
    /// Adds one together with its secret.
    async fn add_source(&self, new: NewSource, entry: Entry) -> Result<Added, StoreError>;

    /// Takes one away, with its secrets and what is known of them. False where its tenant has none of this name.
    async fn remove_source(&self, source: &Source, entry: Entry) -> Result<bool, StoreError>;

    /// All.
    async fn sources(&self) -> Result<Vec<Source>, StoreError>;

    /// How the secrets of those stand that were ever rotated.
    async fn source_keys(&self) -> Result<Vec<(SourceName, SourceKeys)>, StoreError> {
        Ok(Vec::new())
    }
}
