//! Trust: whether a release may run in a tenant, by who signed what about it.
//!
//! The platform has a root ([`root::Root`]); a tenant may have one of its own, and then both must hold. A root says who may
//! publish which plugins, how many reviewers it takes, what is revoked, and how old a release may be at most. [`Trust`] is all
//! of that, verified; [`Trust::judge`] holds one release against it.
//!
//! Invariants: the platform's first root is the one that the host was set up with (its digest is pinned outside of the
//! store), a tenant's first one is signed by the platform's keepers too, and each later one by the thresholds of the one
//! before and its own; where platform and tenant differ, the more
//! restrictive holds (ACC-9); a root that has expired lets nothing run; keys are counted, never signatures.

mod error;
mod judge;
pub mod keeper;
pub mod root;
mod standing;
pub mod withdrawal;

use std::collections::BTreeMap;

use portcullis_model::{
    id::{Digest, TenantId},
    trust::{RootScope, StoredTrust},
};

pub use error::{Distrust, TrustError};
pub use judge::{Judged, Subject};
pub use standing::{Given, Standing};

use self::{
    root::{KeyId, Root},
    withdrawal::{Act, Target, Withdrawal},
};
use crate::{
    dsse::{Envelope, PayloadType},
    keys::PublicKey,
};

/// Who is behind a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The plugin's publisher.
    Publisher,
    /// Whom a root trusts with it: holds where that root speaks.
    Root(RootScope),
}

/// A withdrawal that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The digest of its payload.
    pub digest: Digest,
    /// Whose it is.
    pub by: By,
    /// What it is about.
    pub target: Target,
    /// Why.
    pub reason: String,
}

/// A root, and every key that an earlier version trusted with withdrawals.
#[derive(Clone, Debug)]
struct Layer {
    root: Root,
    /// Those that any version trusted, less those that are revoked now.
    past: Vec<(Vec<PublicKey>, usize)>,
    /// Every version.
    versions: Vec<Root>,
}

/// All that a host trusts, verified.
#[derive(Clone, Debug)]
pub struct Trust {
    revision: u64,
    platform: Layer,
    tenants: BTreeMap<TenantId, Layer>,
    withdrawals: Vec<InForce>,
}

impl Trust {
    /// Verifies everything that is stored. `anchor` is the digest of the platform's first root, kept beside the store and not
    /// in it.
    pub fn load(stored: &StoredTrust, anchor: &Digest) -> Result<Self, TrustError> {
        let mut chains: BTreeMap<RootScope, Vec<Root>> = BTreeMap::new();
        // The platform's first: its keepers vouch for the tenants'.
        let (platform, tenants): (Vec<_>, Vec<_>) =
            stored.roots.iter().partition(|(scope, _)| *scope == RootScope::Platform);
        for (scope, text) in platform.into_iter().chain(tenants) {
            let next = match chains.get(scope).and_then(|chain| chain.last()) {
                Some(last) => last.next(text)?,
                None if *scope == RootScope::Platform => anchored(text, anchor)?,
                None => vouched(scope, text, chains.get(&RootScope::Platform))?,
            };
            chains.entry(scope.clone()).or_default().push(next);
        }
        let mut layers = BTreeMap::new();
        for (scope, chain) in chains {
            layers.insert(scope, Layer::of(chain)?);
        }
        let platform = layers.remove(&RootScope::Platform).ok_or(TrustError::Gone)?;
        let tenants = layers.into_iter().filter_map(|(scope, layer)| match scope {
            RootScope::Tenant(tenant) => Some((tenant, layer)),
            RootScope::Platform => None,
        });
        let tenants = tenants.collect();
        let mut trust = Self { revision: stored.revision, platform, tenants, withdrawals: Vec::new() };
        trust.withdrawals = trust.in_force(&stored.withdrawals);
        Ok(trust)
    }

    /// What it was made from.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The newest root of a scope.
    pub fn root(&self, scope: &RootScope) -> Option<&Root> {
        match scope {
            RootScope::Platform => Some(&self.platform.root),
            RootScope::Tenant(tenant) => Some(&self.tenants.get(tenant)?.root),
        }
    }

    /// Reads the root that would come after the newest one of its scope, and checks that it may.
    pub fn next(&self, text: &str) -> Result<Root, TrustError> {
        let scope = Root::read(&Envelope::parse(PayloadType::Root, text)?)?.scope;
        match self.root(&scope) {
            Some(root) => root.next(text),
            None => vouched(&scope, text, Some(&self.platform.versions)),
        }
    }

    /// Every scope that has a root.
    pub fn scopes(&self) -> Vec<RootScope> {
        let tenants = self.tenants.keys().cloned().map(RootScope::Tenant);
        std::iter::once(RootScope::Platform).chain(tenants).collect()
    }

    /// The withdrawals that are in force.
    pub fn withdrawals(&self) -> &[InForce] {
        &self.withdrawals
    }

    /// The withdrawals that are in force here and not there.
    pub fn beside(&self, other: &Self) -> Vec<InForce> {
        self.withdrawals.iter().filter(|one| !other.withdrawals.contains(one)).cloned().collect()
    }

    /// Whose this withdrawal or lift would be; an error where nobody who may do that signed it.
    pub fn authority(&self, envelope: &Envelope) -> Result<(Withdrawal, By), TrustError> {
        let read = Withdrawal::read(envelope)?;
        let by = match &read.what {
            Act::Yank { target } => self.publisher_of(envelope, target).then_some(By::Publisher),
            Act::Quarantine { .. } => self.withdrawer(envelope, false),
            Act::Lift { .. } => self.withdrawer(envelope, true),
        };
        match by {
            Some(by) => Ok((read, by)),
            None => Err(TrustError::NotTheirs(match read.what {
                Act::Yank { .. } => {
                    "a yank is signed by a key of the plugin's publisher, as the platform's root has it"
                }
                _ => "a quarantine or lift is signed by as many keys of a root's role 'withdrawals' as that asks for",
            })),
        }
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&self.platform).chain(self.tenants.values())
    }

    fn in_force(&self, texts: &[String]) -> Vec<InForce> {
        let envelopes = texts.iter().filter_map(|text| Envelope::parse(PayloadType::Withdrawal, text).ok());
        let held: Vec<(Digest, Withdrawal, By)> = envelopes
            .filter_map(|envelope| {
                let (withdrawal, by) = self.authority(&envelope).ok()?;
                Some((Digest::of(envelope.unverified()), withdrawal, by))
            })
            .collect();
        let lifted = |digest: &Digest, by: &By| {
            held.iter().any(|(_, other, whose)| matches!(&other.what, Act::Lift { of } if of == digest) && whose == by)
        };
        let force = held.iter().filter_map(|(digest, withdrawal, by)| match &withdrawal.what {
            Act::Lift { .. } => None,
            Act::Quarantine { .. } if lifted(digest, by) => None,
            Act::Yank { target } | Act::Quarantine { target } => Some(InForce {
                digest: *digest,
                by: by.clone(),
                target: target.clone(),
                reason: withdrawal.reason.clone(),
            }),
        });
        force.collect()
    }

    /// Whether the publisher of what this is about signed it: with a key of any version of the platform's root.
    fn publisher_of(&self, envelope: &Envelope, target: &Target) -> bool {
        let Some(plugin) = target.plugin() else { return false };
        self.platform.versions.iter().any(|root| {
            let keys = root.publisher(plugin).map(|publisher| self.platform.root_active(root, &publisher.role.keys));
            keys.is_some_and(|keys| envelope.signed_by(&keys).is_some())
        })
    }

    /// In whose name enough keys signed: today's for what gives something back, those of any version for what takes away.
    fn withdrawer(&self, envelope: &Envelope, today: bool) -> Option<By> {
        let enough = |keys: &[PublicKey], threshold: usize| {
            let signed = envelope.signed_by(keys).map_or(0, |(_, signers)| signers.len());
            threshold > 0 && signed >= threshold
        };
        let layer = self.layers().find(|layer| match today {
            true => {
                let role = &layer.root.withdrawals;
                enough(&layer.root.active(&role.keys), role.threshold)
            }
            false => layer.past.iter().any(|(keys, threshold)| enough(keys, *threshold)),
        })?;
        Some(By::Root(layer.root.scope.clone()))
    }
}

impl Layer {
    fn of(chain: Vec<Root>) -> Result<Self, TrustError> {
        let root = chain.last().cloned().ok_or(TrustError::Gone)?;
        let mut layer = Self { root, past: Vec::new(), versions: Vec::new() };
        layer.past = chain
            .iter()
            .map(|old| (layer.root_active(old, &old.withdrawals.keys), old.withdrawals.threshold))
            .collect();
        layer.versions = chain;
        Ok(layer)
    }

    /// Keys of an older version that are not revoked now.
    fn root_active<'a>(&self, old: &Root, ids: impl IntoIterator<Item = &'a KeyId>) -> Vec<PublicKey> {
        let revoked = &self.root.revoked.keys;
        old.active(ids).into_iter().filter(|key| !revoked.contains(&key.keyid())).collect()
    }
}

fn anchored(text: &str, anchor: &Digest) -> Result<Root, TrustError> {
    let root = Root::first(text)?;
    let found = Digest::of(Envelope::parse(PayloadType::Root, text)?.unverified());
    match (&root.scope, found == *anchor) {
        (RootScope::Platform, true) => Ok(root),
        (RootScope::Platform, false) => Err(TrustError::Anchor { expected: *anchor, found }),
        (other, _) => Err(TrustError::Scope { expected: RootScope::Platform, found: other.clone() }),
    }
}

/// A tenant's first root: its own keepers signed it, and the platform's as they were at some time.
pub(crate) fn vouched(scope: &RootScope, text: &str, platform: Option<&Vec<Root>>) -> Result<Root, TrustError> {
    let root = Root::first(text)?;
    if root.scope != *scope {
        return Err(TrustError::Scope { expected: scope.clone(), found: root.scope });
    }
    let envelope = Envelope::parse(PayloadType::Root, text)?;
    let vouches = |keepers: &Root| {
        envelope.verify(&keepers.active(&keepers.root.keys), keepers.root.threshold, "the platform's root keys").is_ok()
    };
    match platform.into_iter().flatten().any(vouches) {
        true => Ok(root),
        false => Err(TrustError::NotTheirs("a tenant's first root is signed by the platform's root keys too")),
    }
}

#[cfg(test)]
mod tests;
