//! A release: what its publisher signed (idea 5), and the port through which the runtime gets one that was checked.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    error::StoreError,
    id::{Digest, PluginId, PublisherId},
    limits::Limits,
    scope::ScopeText,
};

/// Which release: the same component can be released with another manifest, and that is another release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReleaseId {
    /// Digest of the component.
    pub component: Digest,
    /// Digest of the manifest's text.
    pub manifest: Digest,
}

/// A release as it lies in the registry. Nothing in it is to be believed before its statements are checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRelease {
    /// Digest of the component.
    pub digest: Digest,
    /// The manifest's text, byte for byte.
    pub manifest: String,
    /// The publisher's DSSE envelope, as JSON.
    pub envelope: String,
}

impl StoredRelease {
    /// What it is kept under.
    pub fn id(&self) -> ReleaseId {
        ReleaseId { component: self.digest, manifest: Digest::of(self.manifest.as_bytes()) }
    }
}

/// A release whose statements held when they were checked just now.
#[derive(Clone, Debug)]
pub struct VerifiedRelease {
    /// Digest of the component.
    pub digest: Digest,
    /// Which plugin.
    pub plugin: PluginId,
    /// Who signed it.
    pub publisher: PublisherId,
    /// Its version, for people.
    pub version: String,
    /// The component's bytes.
    pub component: Arc<[u8]>,
    /// All scopes that the manifest asks for.
    pub asked: Vec<ScopeText>,
    /// The most that a reviewer approved for this release; `None`: nobody has reviewed it.
    pub reviewed: Option<Vec<ScopeText>>,
    /// The limits that the manifest asks for.
    pub limits: Limits,
}

/// Why a release may not run.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReleaseError {
    /// It is not in the registry.
    #[error("release {0} is not in the registry; install the plugin again")]
    Missing(Digest),
    /// A check failed. The text names what is wrong: component, manifest, envelope, signature, key or statement.
    #[error("release {digest} is refused: {reason}")]
    Refused {
        /// Which release.
        digest: Digest,
        /// What is wrong.
        reason: String,
    },
    /// The registry could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives releases that hold.
#[async_trait]
pub trait Releases: Send + Sync {
    /// Reads a release from the registry and checks all of it anew.
    async fn verified(&self, id: &ReleaseId) -> Result<VerifiedRelease, ReleaseError>;
}

/// The registry's storage.
#[async_trait]
pub trait ReleaseStore: Send + Sync {
    /// Stores a release and its component under its id; storing the same again changes nothing.
    async fn put_release(&self, release: StoredRelease, component: Arc<[u8]>) -> Result<(), StoreError>;

    /// A release and its component's bytes.
    async fn release(&self, id: &ReleaseId) -> Result<Option<(StoredRelease, Arc<[u8]>)>, StoreError>;

    /// The most that a reviewer approved for a release.
    async fn reviewed(&self, id: &ReleaseId) -> Result<Option<Vec<ScopeText>>, StoreError>;

    /// Keeps what a reviewer approved for a release, in place of what was approved before.
    async fn review(&self, id: ReleaseId, scopes: Vec<ScopeText>, entry: Entry) -> Result<(), StoreError>;

    /// The keys that a publisher may sign with: each 32 bytes of Ed25519.
    async fn publisher_keys(&self, publisher: &PublisherId) -> Result<Vec<[u8; 32]>, StoreError>;
}
