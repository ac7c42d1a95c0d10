//! Secrets: a type that cannot be printed, and the storage of sealed ones (INT-7, DAT-6).

use std::fmt;

use async_trait::async_trait;

use crate::{
    audit::Entry,
    error::StoreError,
    id::{InstallationId, TenantId},
};

/// A secret in memory: never printed, never serialized, overwritten when dropped.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes it over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        std::hint::black_box(&mut self.0);
    }
}

/// A secret as it lies in storage: encrypted, and bound to its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// Whose it is.
    pub tenant: TenantId,
    /// For which installation; absent for a source's secret.
    pub installation: Option<InstallationId>,
    /// What it is for: a connection's or a source's name.
    pub name: String,
    /// Goes up with each rotation.
    pub generation: u64,
    /// Where it goes, as JSON: not secret.
    pub place: String,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
}

/// Storage of sealed secrets.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Adds one, or replaces the one of the same tenant, installation and name. Together with its audit entry.
    async fn put_secret(&self, secret: SealedSecret, entry: Entry) -> Result<(), StoreError>;

    /// All secrets of all tenants.
    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreError>;
}
