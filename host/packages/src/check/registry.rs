//! The registry: reads releases and all that was signed about them, and checks that anew each time that it is asked.
//!
//! What is kept between two checks is derived from bytes alone: roots and withdrawals by the store's revision, and what a
//! component is by its digest. Neither is kept where the bytes did not hold.
//!
//! Invariant: a judgement is never kept; the component's bytes are hashed each time that they are handed out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use portcullis_model::{
    catalogue::Catalogue,
    error::StoreError,
    id::{Digest, TenantId},
    release::{ReleaseError, ReleaseId, ReleaseStore, Releases, StoredRelease, VerifiedRelease},
    time::Clock,
    trust::TrustStore,
};

use super::{Examined, Refusal, Rules, suits};
use crate::{
    dsse::{Envelope, PayloadType},
    inspect::Inspection,
    manifest::Manifest,
    trust::{Distrust, Subject, Trust, TrustError},
};

/// How many inspections are kept.
const KEPT: usize = 1024;

/// The registry of releases.
pub struct Registry {
    releases: Arc<dyn ReleaseStore>,
    statements: Arc<dyn TrustStore>,
    anchor: Digest,
    catalogue: Arc<dyn Catalogue>,
    clock: Arc<dyn Clock>,
    trust: Mutex<Option<Arc<Trust>>>,
    inspections: Mutex<HashMap<Digest, Arc<Inspection>>>,
}

impl Registry {
    /// A registry on these stores. `anchor` is the digest of the platform's first root.
    pub fn new(
        releases: Arc<dyn ReleaseStore>,
        statements: Arc<dyn TrustStore>,
        anchor: Digest,
        catalogue: Arc<dyn Catalogue>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (trust, inspections) = (Mutex::default(), Mutex::default());
        Self { releases, statements, anchor, catalogue, clock, trust, inspections }
    }

    /// What it holds a release against.
    pub fn rules(&self) -> Rules<'_> {
        Rules { catalogue: self.catalogue.as_ref() }
    }

    /// Where the releases lie.
    pub fn store(&self) -> &dyn ReleaseStore {
        self.releases.as_ref()
    }

    /// Where roots, statements and withdrawals lie.
    pub fn statements(&self) -> &dyn TrustStore {
        self.statements.as_ref()
    }

    /// The digest of the platform's first root.
    pub fn anchor(&self) -> &Digest {
        &self.anchor
    }

    /// All that is trusted, as of now.
    pub async fn trust(&self) -> Result<Result<Arc<Trust>, TrustError>, StoreError> {
        let revision = self.statements.trust_revision().await?;
        let known = self.trust.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(trust) = known.filter(|trust| trust.revision() == revision) {
            return Ok(Ok(trust));
        }
        let stored = self.statements.trust().await?;
        Ok(Trust::load(&stored, &self.anchor).map(|trust| {
            let trust = Arc::new(trust);
            *self.trust.lock().unwrap_or_else(PoisonError::into_inner) = Some(trust.clone());
            trust
        }))
    }

    /// What the component of a release here is: derived once from bytes of its digest.
    ///
    /// # Errors
    /// It is not here, or cannot be read.
    pub async fn inspection(&self, id: &ReleaseId) -> Result<Arc<Inspection>, ReleaseError> {
        self.inspected(id, None).await
    }

    /// Reads and checks a release for a tenant, and gives what was learnt on the way.
    pub async fn examined(&self, id: &ReleaseId, tenant: &TenantId) -> Result<Examined, ReleaseError> {
        let digest = id.component;
        let Some(stored) = self.releases.release(id).await? else { return Err(ReleaseError::Missing(digest)) };
        if stored.id() != *id {
            let reason = "manifest digest mismatch: it is another release's".to_owned();
            return Err(ReleaseError::Refused { digest, reason });
        }
        let statements = self.statements.statements(id).await?;
        self.examine(&stored, &statements, None, tenant).await
    }

    /// Checks a release that is not stored yet.
    pub async fn examine(
        &self,
        release: &StoredRelease,
        statements: &[String],
        component: Option<&Arc<[u8]>>,
        tenant: &TenantId,
    ) -> Result<Examined, ReleaseError> {
        let judge = |trust: &Trust, subject: &Subject<'_>| {
            trust.judge(subject, tenant, self.clock.now(), self.catalogue.as_ref())
        };
        let (manifest, inspection, judged) = self.held(release, statements, component, judge).await?;
        let release = VerifiedRelease {
            digest: release.digest,
            plugin: manifest.id.clone(),
            publisher: manifest.publisher.clone(),
            version: manifest.version.clone(),
            number: manifest.release,
            asked: manifest.asked(),
            reviewed: judged.reviewed,
            until: judged.until,
            limits: manifest.limits,
            destinations: manifest.destinations(),
        };
        Ok(Examined { release, manifest, inspection })
    }

    /// Checks a release that is to be reviewed: all but what reviewers say, by the platform's root.
    pub async fn admit(
        &self,
        release: &StoredRelease,
        statements: &[String],
        component: &Arc<[u8]>,
    ) -> Result<(Manifest, Arc<Inspection>), ReleaseError> {
        let judge = |trust: &Trust, subject: &Subject<'_>| trust.admit(subject, self.clock.now());
        let (manifest, inspection, ()) = self.held(release, statements, Some(component), judge).await?;
        Ok((manifest, inspection))
    }

    /// Checks a release that is to be published: as [`Registry::admit`], and gives what it lacks before it may run.
    pub async fn publishable(
        &self,
        release: &StoredRelease,
        statements: &[String],
        component: &Arc<[u8]>,
    ) -> Result<(Manifest, Option<Distrust>), ReleaseError> {
        let judge = |trust: &Trust, subject: &Subject<'_>| {
            trust.publishable(subject, self.clock.now(), self.catalogue.as_ref())
        };
        let (manifest, _, lacks) = self.held(release, statements, Some(component), judge).await?;
        Ok((manifest, lacks))
    }

    /// Checks bytes, form, what `judge` makes of what was signed, and imports: in this order, whatever the release is for.
    async fn held<T>(
        &self,
        release: &StoredRelease,
        statements: &[String],
        component: Option<&Arc<[u8]>>,
        judge: impl FnOnce(&Trust, &Subject<'_>) -> Result<T, Distrust>,
    ) -> Result<(Manifest, Arc<Inspection>, T), ReleaseError> {
        let refused = |reason: Refusal| ReleaseError::Refused { digest: release.digest, reason: reason.to_string() };
        if let Some(bytes) = component {
            self.hashed(release.digest, bytes).map_err(refused)?;
        }
        let trust = self.trust().await?.map_err(|error| refused(Refusal::Trust(error.into())))?;
        let manifest = Manifest::parse(&release.manifest).map_err(|error| refused(error.into()))?;
        let envelope =
            Envelope::parse(PayloadType::Statement, &release.envelope).map_err(|error| refused(error.into()))?;
        let subject = Subject { id: release.id(), manifest: &manifest, envelope: &envelope, statements };
        let judged = judge(&trust, &subject).map_err(|error| refused(error.into()))?;
        let inspection = self.inspected(&release.id(), component).await?;
        suits(&manifest, &release.manifest, &inspection, self.rules()).map_err(refused)?;
        Ok((manifest, inspection, judged))
    }

    fn hashed(&self, expected: Digest, bytes: &[u8]) -> Result<(), Refusal> {
        let found = Digest::of(bytes);
        if found == expected { Ok(()) } else { Err(Refusal::Component { expected, found }) }
    }

    /// What a component is, derived once from bytes of its digest.
    async fn inspected(&self, id: &ReleaseId, component: Option<&Arc<[u8]>>) -> Result<Arc<Inspection>, ReleaseError> {
        let digest = id.component;
        let known = self.inspections.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let bytes = match component {
            Some(bytes) => bytes.clone(),
            None => self.component(id).await?,
        };
        let inspection = Inspection::of(&bytes)
            .map_err(|error| ReleaseError::Refused { digest, reason: Refusal::from(error).to_string() })?;
        let inspection = Arc::new(inspection);
        let mut all = self.inspections.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(digest, inspection.clone());
        Ok(inspection)
    }
}

#[async_trait]
impl Releases for Registry {
    async fn verified(&self, id: &ReleaseId, tenant: &TenantId) -> Result<VerifiedRelease, ReleaseError> {
        Ok(self.examined(id, tenant).await?.release)
    }

    async fn component(&self, id: &ReleaseId) -> Result<Arc<[u8]>, ReleaseError> {
        let digest = id.component;
        let Some(bytes) = self.releases.component(id).await? else { return Err(ReleaseError::Missing(digest)) };
        self.hashed(digest, &bytes).map_err(|refusal| ReleaseError::Refused { digest, reason: refusal.to_string() })?;
        Ok(bytes)
    }
}
