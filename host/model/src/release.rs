//! A release: what its publisher signed (idea 5), and the port through which the runtime gets one that was checked.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    egress::Destination,
    error::StoreError,
    id::{Digest, PluginId, PublisherId, TenantId},
    limits::Limits,
    scope::ScopeText,
    time::Timestamp,
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

/// A release in the list of a plugin's releases. The list is a way to find them; what it says is to be believed no more than
/// the release itself before it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRelease {
    /// Which plugin.
    pub plugin: PluginId,
    /// Which release.
    pub id: ReleaseId,
    /// Its number.
    pub number: u64,
    /// Its version, for people.
    pub version: String,
    /// When it was put there.
    pub since: Timestamp,
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
    /// Its number: a newer release has a higher one.
    pub number: u64,
    /// All scopes that the manifest asks for.
    pub asked: Vec<ScopeText>,
    /// The most that reviewers approved for this release; `None`: nobody has to, and nobody did.
    pub reviewed: Option<Vec<ScopeText>>,
    /// Until when all this holds if nothing new is signed.
    pub until: Timestamp,
    /// The limits that the manifest asks for.
    pub limits: Limits,
    /// Every host that the manifest says it sends to, and where (DAT-7).
    pub destinations: Vec<Destination>,
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
    /// Reads a release from the registry and checks all that was signed about it anew, for this tenant.
    async fn verified(&self, id: &ReleaseId, tenant: &TenantId) -> Result<VerifiedRelease, ReleaseError>;

    /// The component of a release, whose bytes are those that its digest says.
    async fn component(&self, id: &ReleaseId) -> Result<Arc<[u8]>, ReleaseError>;
}

/// The registry's storage.
#[async_trait]
pub trait ReleaseStore: Send + Sync {
    /// Stores a release and its component under its id; storing the same again changes nothing.
    async fn put_release(&self, release: StoredRelease, component: Arc<[u8]>) -> Result<(), StoreError>;

    /// A release, less its component.
    async fn release(&self, id: &ReleaseId) -> Result<Option<StoredRelease>, StoreError>;

    /// A component's bytes, as they lie there.
    async fn component(&self, id: &ReleaseId) -> Result<Option<Arc<[u8]>>, StoreError>;

    /// Adds a release to the list of its plugin's, together with the audit entry. False where it is in the list already;
    /// then nothing is recorded.
    async fn list_release(&self, listed: ListedRelease, entry: Option<Entry>) -> Result<bool, StoreError>;

    /// The releases of a plugin, the highest number first.
    async fn releases_of(&self, plugin: &PluginId) -> Result<Vec<ListedRelease>, StoreError>;

    /// Goes up with every release that is listed: cheap to ask, to know whether to look again.
    async fn releases_revision(&self) -> Result<u64, StoreError>;
}

/// The whole list of the registry.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// All releases that are listed, by plugin, the highest number first.
    async fn all_releases(&self) -> Result<Vec<ListedRelease>, StoreError>;
}
