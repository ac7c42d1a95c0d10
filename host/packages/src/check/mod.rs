//! Whether a release may run: its bytes, its signature, its statement, its scopes and its imports, all of them, each time.
//!
//! Invariants: the first check that fails ends it, and the reason names what is wrong; nothing of a manifest but its
//! publisher's name (to find the keys) is used before the signature over its digest held; a key counts only for the
//! publisher it was trusted for; what a component imports, its manifest asks for.

mod imports;

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{
    audit::plain,
    catalogue::Catalogue,
    id::Digest,
    release::{ReleaseError, ReleaseId, ReleaseStore, Releases, StoredRelease, VerifiedRelease},
};

pub(crate) use imports::Imports;

use crate::{
    dsse::{DsseError, Envelope, PayloadType},
    inspect::{InspectError, Inspection},
    keys::{KeyError, PublicKey},
    manifest::{Manifest, ManifestError},
    statement::{Statement, StatementError},
};

/// What a release is held against, beside its publisher's keys.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The capabilities that this host has, and what it makes of WASI.
    pub catalogue: &'a dyn Catalogue,
}

/// Why a release is refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// The registry's component is another one.
    #[error("component digest mismatch: the release is {expected}, the component's bytes are {found}")]
    Component {
        /// What it should be.
        expected: Digest,
        /// What the bytes are.
        found: Digest,
    },
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The envelope or a signature.
    #[error(transparent)]
    Envelope(#[from] DsseError),
    /// The statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The component is no component for this host.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// Imports that are not ours.
    #[error(
        "the component imports {0}, which this host does not offer; build it without what needs that (for requests, use \
         portcullis:plugin/http or wasi:http/outgoing-handler)"
    )]
    Foreign(String),
    /// Imports of ours that this host does not have.
    #[error("the component imports {0}, which is no capability of this host")]
    Unknown(String),
    /// Imports that the manifest does not ask for.
    #[error(
        "the component imports {0}, but the manifest asks for no scope of it; ask for one in [[scopes]], or drop the import"
    )]
    Unasked(String),
    /// Whoever should sign did not.
    #[error("{0}")]
    Unsigned(String),
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        Self::Unsigned(error.to_string())
    }
}

/// A release that held, with what was learnt on the way.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What the runtime needs.
    pub release: VerifiedRelease,
    /// What it asks for.
    pub manifest: Manifest,
    /// What it is.
    pub inspection: Inspection,
}

/// Checks all of a release. `keys` are those that are trusted for the publisher whom the manifest names.
pub fn verify(
    stored: &StoredRelease,
    component: &Arc<[u8]>,
    keys: &[[u8; 32]],
    rules: Rules<'_>,
) -> Result<Examined, ReleaseError> {
    examine(stored, component, keys, rules)
        .map_err(|refusal| ReleaseError::Refused { digest: stored.digest, reason: refusal.to_string() })
}

fn examine(
    stored: &StoredRelease,
    component: &Arc<[u8]>,
    keys: &[[u8; 32]],
    rules: Rules<'_>,
) -> Result<Examined, Refusal> {
    let found = Digest::of(component);
    if found != stored.digest {
        return Err(Refusal::Component { expected: stored.digest, found });
    }
    let manifest = Manifest::parse(&stored.manifest)?;
    let envelope = Envelope::parse(PayloadType::Statement, &stored.envelope)?;
    let keys: Vec<PublicKey> = keys.iter().filter_map(|key| PublicKey::from_bytes(key).ok()).collect();
    let payload = envelope.verify(&keys, 1, &format!("publisher {}", manifest.publisher))?;
    Statement::parse(payload)?.check(&manifest, &found)?;
    let inspection = fits(&manifest, component, rules)?;
    let release = VerifiedRelease {
        digest: found,
        plugin: manifest.id.clone(),
        publisher: manifest.publisher.clone(),
        version: manifest.version.clone(),
        component: component.clone(),
        asked: manifest.asked(),
        reviewed: None,
        limits: manifest.limits,
    };
    Ok(Examined { release, manifest, inspection })
}

/// Checks what is not a matter of signatures: that the host understands every scope, can run the component, and that
/// imports ⊆ manifest.
pub fn fits(manifest: &Manifest, component: &[u8], rules: Rules<'_>) -> Result<Inspection, Refusal> {
    manifest.check(rules.catalogue)?;
    let inspection = Inspection::of(component)?;
    let imports = Imports::of(&inspection, manifest, rules);
    if !imports.foreign.is_empty() {
        return Err(Refusal::Foreign(plain(&imports.foreign.join(", "))));
    }
    if !imports.unknown.is_empty() {
        return Err(Refusal::Unknown(plain(&imports.unknown.join(", "))));
    }
    if !imports.unasked.is_empty() {
        return Err(Refusal::Unasked(plain(&imports.unasked.join(", "))));
    }
    Ok(inspection)
}

/// The registry of releases: reads and checks one anew each time that it is asked for.
pub struct Registry {
    store: Arc<dyn ReleaseStore>,
    catalogue: Arc<dyn Catalogue>,
}

impl Registry {
    /// A registry on this store.
    pub fn new(store: Arc<dyn ReleaseStore>, catalogue: Arc<dyn Catalogue>) -> Self {
        Self { store, catalogue }
    }

    /// What it holds a release against.
    pub fn rules(&self) -> Rules<'_> {
        Rules { catalogue: self.catalogue.as_ref() }
    }

    /// Where the releases lie.
    pub fn store(&self) -> &dyn ReleaseStore {
        self.store.as_ref()
    }

    /// Reads and checks a release, and gives what was learnt on the way.
    pub async fn examined(&self, id: &ReleaseId) -> Result<Examined, ReleaseError> {
        let digest = id.component;
        let Some((stored, component)) = self.store.release(id).await? else {
            return Err(ReleaseError::Missing(digest));
        };
        let stored = StoredRelease { digest, ..stored };
        let examined = self.examine(&stored, &component).await?;
        match stored.id() == *id {
            true => Ok(examined),
            false => Err(ReleaseError::Refused {
                digest,
                reason: "manifest digest mismatch: it is another release's".into(),
            }),
        }
    }

    /// Checks a release that is not stored yet, against the keys that the store trusts.
    pub async fn examine(&self, release: &StoredRelease, component: &Arc<[u8]>) -> Result<Examined, ReleaseError> {
        let manifest = Manifest::parse(&release.manifest)
            .map_err(|error| ReleaseError::Refused { digest: release.digest, reason: error.to_string() })?;
        let keys = self.store.publisher_keys(&manifest.publisher).await?;
        verify(release, component, &keys, self.rules())
    }
}

#[async_trait]
impl Releases for Registry {
    async fn verified(&self, id: &ReleaseId) -> Result<VerifiedRelease, ReleaseError> {
        let release = self.examined(id).await?.release;
        Ok(VerifiedRelease { reviewed: self.store.reviewed(id).await?, ..release })
    }
}

#[cfg(test)]
mod tests;
