//! Changing what a host trusts: the next version of a root, a withdrawal, a statement about a release.
//!
//! Invariants: nothing is kept that nobody who may do it signed; what is kept is in the log in the same transaction; a root is
//! only ever replaced by its next version, by compare and swap.

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    error::StoreError,
    id::{Digest, TenantId},
    release::{ListedRelease, ReleaseId},
    time::{Clock, Timestamp},
    trust::RootScope,
};

use super::{
    By, Trust, TrustError, anchored,
    judge::is_early,
    root::Root,
    withdrawal::{Act, Override, Withdrawal},
};
use crate::{
    check::Registry,
    dsse::{DsseError, Envelope, PayloadType},
    keys::PublicKey,
    manifest::Manifest,
    statement::{Decision, Statement, StatementError, Verdict},
};

/// The most statements about one release that are kept of one key: all of them are checked whenever the release is loaded, in
/// every tenant.
const MAX_OF_ONE_KEY: usize = 64;

/// Why what is trusted was not changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeeperError {
    /// It is not believed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// An envelope.
    #[error(transparent)]
    Envelope(#[from] DsseError),
    /// A statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Nobody who may say that signed it.
    #[error("no key that a root trusts with this signed it: {0}")]
    Stranger(&'static str),
    /// Dated in the future.
    #[error("it is dated {issued}, and it is {now} here: put the clock right that is wrong, and have it signed again")]
    Early {
        /// By the signer's clock.
        issued: Timestamp,
        /// By this host's.
        now: Timestamp,
    },
    /// One key has said enough.
    #[error(
        "a key that signed this has stated {MAX_OF_ONE_KEY} things about this release, and each is checked whenever it is loaded; \
         let another key sign, or quarantine the release"
    )]
    TooMany,
    /// Somebody else was faster.
    #[error("the root of '{0}' was changed by somebody else just now; look at it again before you repeat this")]
    Conflict(RootScope),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a statement that was kept said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A reviewer's verdict.
    Verdict(Verdict),
    /// Leave to run a release below the floor.
    Override(Override),
}

impl Kept {
    fn issued(&self) -> Timestamp {
        match self {
            Self::Verdict(verdict) => verdict.issued,
            Self::Override(given) => given.issued,
        }
    }
}

/// What a statement says, the entry for it, and the keys that count of those that signed it.
type Stated = Result<(Kept, Entry, Vec<PublicKey>), KeeperError>;

fn said_enough(key: &PublicKey, known: &[String]) -> bool {
    let by_it = |kind, text: &str| Envelope::parse(kind, text).is_ok_and(|one| one.signed_by(&[*key]).is_some());
    let count =
        known.iter().filter(|text| by_it(PayloadType::Statement, text) || by_it(PayloadType::Override, text)).count();
    count >= MAX_OF_ONE_KEY
}

/// Changes what a host trusts, on behalf of one actor.
pub struct Keeper<'a> {
    /// Where it lies.
    pub registry: &'a Registry,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Who asks for it.
    pub actor: Actor,
}

impl Keeper<'_> {
    /// Takes a root: the next version of one that is there, a tenant's first one, or on a new host the platform's first.
    pub async fn root(&self, text: &str) -> Result<Root, KeeperError> {
        let root = self.fit(text).await?;
        let tenant = root.scope.tenant().cloned();
        let payload = Envelope::parse(PayloadType::Root, text)?;
        let entry = self
            .entry(Kind::TrustChanged, tenant)
            .about(format!("root:{}", root.scope))
            .with("version", root.version)
            .with("digest", Digest::of(payload.unverified()).to_string())
            .with("expires", root.expires.to_string());
        let put = self.registry.statements().put_root(root.scope.clone(), root.version, text.to_owned(), entry).await?;
        if put { Ok(root) } else { Err(KeeperError::Conflict(root.scope)) }
    }

    /// The root that [`Self::root`] would take, and all that would be trusted then. Nothing is kept.
    ///
    /// # Errors
    /// Those of taking it.
    pub async fn to_come(&self, text: &str) -> Result<(Root, Trust), KeeperError> {
        let root = self.fit(text).await?;
        let mut stored = self.registry.statements().trust().await?;
        stored.roots.push((root.scope.clone(), text.to_owned()));
        let trust = Trust::load(&stored, self.registry.anchor())?;
        Ok((root, trust))
    }

    /// A root that may be taken now.
    async fn fit(&self, text: &str) -> Result<Root, KeeperError> {
        let unread = Root::read(&Envelope::parse(PayloadType::Root, text)?)?;
        let first = self.registry.statements().trust_revision().await? == 0;
        let root = match first && unread.scope == RootScope::Platform {
            true => anchored(text, self.registry.anchor())?,
            false => self.trust().await?.next(text)?,
        };
        let now = self.clock.now();
        if root.expires <= now {
            return Err(TrustError::Expired { scope: root.scope, expires: root.expires }.into());
        }
        Ok(root)
    }

    /// Takes a withdrawal or a lift.
    pub async fn withdrawal(&self, text: &str) -> Result<(Withdrawal, By), KeeperError> {
        let envelope = Envelope::parse(PayloadType::Withdrawal, text)?;
        let trust = self.trust().await?;
        let (withdrawal, by) = trust.authority(&envelope)?;
        let digest = Digest::of(envelope.unverified());
        let (kind, about) = match &withdrawal.what {
            Act::Yank { target } | Act::Quarantine { target } => (Kind::ReleaseWithdrawn, target.to_string()),
            Act::Lift { of } => (Kind::ReleaseReinstated, format!("withdrawal {of}")),
        };
        let tenant = match &by {
            By::Root(RootScope::Tenant(tenant)) => Some(tenant.clone()),
            _ => None,
        };
        let who = match &by {
            By::Publisher => "publisher".to_owned(),
            By::Root(scope) => scope.to_string(),
        };
        let entry = self
            .entry(kind, tenant)
            .about(about)
            .with("withdrawal", digest.to_string())
            .with("by", who)
            .with("reason", withdrawal.reason.as_str());
        self.registry.statements().put_withdrawal(text.to_owned(), entry).await?;
        Ok((withdrawal, by))
    }

    /// Takes a statement of somebody else than the publisher about a release.
    pub async fn state(&self, release: &ReleaseId, text: &str) -> Result<Kept, KeeperError> {
        let (kept, entry) = self.read(release, text).await?;
        // What a tenant's root approves is found by nobody else: it is for the platform to publish.
        let everywhere = entry.tenant.is_none();
        self.registry.statements().put_statement(*release, text.to_owned(), entry).await?;
        if everywhere && matches!(&kept, Kept::Verdict(verdict) if verdict.decision == Decision::Approve) {
            self.list(release).await?;
        }
        Ok(kept)
    }

    /// What such a statement says, and the entry for it, where it would be taken. Nothing is kept.
    pub async fn read(&self, release: &ReleaseId, text: &str) -> Result<(Kept, Entry), KeeperError> {
        let trust = self.trust().await?;
        let (kept, entry, signers) = match Envelope::parse(PayloadType::Override, text) {
            Ok(envelope) => self.overridden(&trust, release, &envelope)?,
            Err(_) => self.verdict(&trust, release, &Envelope::parse(PayloadType::Statement, text)?)?,
        };
        let (issued, now) = (kept.issued(), self.clock.now());
        if is_early(issued, now) {
            return Err(KeeperError::Early { issued, now });
        }
        let known = self.registry.statements().statements(release).await?;
        if !known.iter().any(|other| other == text) && signers.iter().any(|key| said_enough(key, &known)) {
            return Err(KeeperError::TooMany);
        }
        Ok((kept, entry))
    }

    /// Lets installations find a release that was approved, where it lies in the registry.
    async fn list(&self, release: &ReleaseId) -> Result<(), KeeperError> {
        let Some(stored) = self.registry.store().release(release).await? else { return Ok(()) };
        // One that cannot be read is refused where it is examined; nothing finds it meanwhile.
        let Ok(manifest) = Manifest::parse(&stored.manifest) else { return Ok(()) };
        let listed = ListedRelease {
            plugin: manifest.id,
            id: *release,
            number: manifest.release,
            version: manifest.version,
            since: self.clock.now(),
        };
        self.registry.store().list_release(listed, None).await?;
        Ok(())
    }

    fn verdict(&self, trust: &Trust, release: &ReleaseId, envelope: &Envelope) -> Stated {
        let keys = |root: &Root| root.active(&root.reviewers);
        let roots = trust.scopes().into_iter().filter_map(|scope| trust.root(&scope));
        let signed = roots.map(|root| (root, keys(root))).find_map(|(root, keys)| {
            let (payload, signers) = envelope.signed_by(&keys)?;
            let owners = signers.iter().filter_map(|key| Some(root.keys.get(&key.keyid())?.owner.clone()));
            let who = owners.collect::<Vec<String>>().join(", ");
            Some((payload.to_vec(), who, root.scope.clone(), signers))
        });
        let Some((payload, who, scope, signers)) = signed else {
            return Err(KeeperError::Stranger("a verdict is signed by a key of a root's 'reviewers'"));
        };
        let statement = Statement::<Verdict>::parse(&payload)?;
        statement.is_about(release)?;
        let verdict = statement.predicate().clone();
        let at_most: Vec<String> = verdict.at_most.iter().map(ToString::to_string).collect();
        let entry = self
            .entry(Kind::ReleaseReviewed, scope.tenant().cloned())
            .about(format!("release:{}", release.component))
            .with("manifest-digest", release.manifest.to_string())
            .with("decision", verdict.decision.name())
            .with_personal("reviewer", &who)
            .with("root", scope.to_string())
            .with("scopes", at_most)
            .with("expires", verdict.expires.to_string())
            .with("reason", verdict.reason.as_str());
        Ok((Kept::Verdict(verdict), entry, signers))
    }

    fn overridden(&self, trust: &Trust, release: &ReleaseId, envelope: &Envelope) -> Stated {
        let enough = |root: &Root| {
            let role = &root.overrides;
            role.threshold > 0 && envelope.verify(&root.active(&role.keys), role.threshold, "overrides").is_ok()
        };
        let roots = trust.scopes();
        let Some(root) = roots.iter().filter_map(|scope| trust.root(scope)).find(|root| enough(root)) else {
            return Err(KeeperError::Stranger(
                "an override is signed by as many keys of a root's 'overrides' as that asks for",
            ));
        };
        let given = Override::read(envelope)?;
        given.check_span()?;
        if given.release() != *release {
            return Err(KeeperError::Stranger("this override is about another release"));
        }
        let entry = self
            .entry(Kind::ReleaseOverridden, None)
            .about(format!("release:{}", release.component))
            .with("manifest-digest", release.manifest.to_string())
            .with("root", root.scope.to_string())
            .with("expires", given.expires.to_string())
            .with("reason", given.reason.as_str());
        let keys = root.active(&root.overrides.keys);
        let signers = envelope.signed_by(&keys).map(|(_, signers)| signers).unwrap_or_default();
        Ok((Kept::Override(given), entry, signers))
    }

    async fn trust(&self) -> Result<std::sync::Arc<Trust>, KeeperError> {
        Ok(self.registry.trust().await??)
    }

    fn entry(&self, kind: Kind, tenant: Option<TenantId>) -> Entry {
        Entry::new(self.clock.now(), kind, self.actor.clone(), tenant)
    }
}
