//! A root of trust: which keys may publish, review and withdraw, how many of them it takes, and until when.
//!
//! Version N + 1 holds if enough root keys of version N and enough of its own signed it (the rule of The Update Framework,
//! section 5.3): whoever lost or stole one key cannot change it alone, and nobody can be added who did not agree.
//!
//! Invariants: a root that could be read is whole (every key of a role is there under its own id, every threshold can be met);
//! nothing in it is believed before [`Root::first`] or [`Root::next`] gave it.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_model::{
    audit::plain,
    id::{Digest, PluginId, PublisherId},
    json::sorted,
    scope::Risk,
    time::Timestamp,
    trust::RootScope,
};
use serde::{Deserialize, Serialize};

use super::TrustError;
use crate::{
    dsse::{Envelope, PayloadType},
    keys::{KeyError, PublicKey, Signer},
};

/// The most keys of a root.
pub const MAX_KEYS: usize = 256;

/// The hexadecimal SHA-256 of a public key's bytes.
pub type KeyId = String;

/// Whether a text has the form of a key's id. One that has not would name nothing, without anybody noticing.
pub(super) fn is_key_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A key that a root knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownKey {
    /// The key, as text.
    pub key: String,
    /// Whose it is, for people.
    pub owner: String,
}

/// Some keys, and how many of them it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Their ids.
    pub keys: BTreeSet<KeyId>,
    /// How many different ones must sign.
    pub threshold: usize,
}

/// Who may publish plugins of which the id begins with a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// The ids' beginning, up to a dot.
    pub prefix: PublisherId,
    /// The keys, and how many of them sign each release.
    #[serde(flatten)]
    pub role: Role,
}

impl Publisher {
    /// Whether a manifest that these keys sign may name this publisher: the one with this prefix, or one below it.
    pub fn speaks_for(&self, named: &PublisherId) -> bool {
        let rest = named.as_str().strip_prefix(self.prefix.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// How many reviewers must approve a release before it runs, by the highest risk of what it asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needed {
    /// Of low risk.
    pub low: usize,
    /// Of medium risk.
    pub medium: usize,
    /// Of high risk: two make four eyes.
    pub high: usize,
}

impl Needed {
    /// For a release of this risk. One that asks for nothing is of low risk.
    pub fn for_risk(&self, risk: Option<Risk>) -> usize {
        match risk {
            None | Some(Risk::Low) => self.low,
            Some(Risk::Medium) => self.medium,
            Some(Risk::High) => self.high,
        }
    }
}

/// What is not trusted any more, whoever signed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Revoked {
    /// Keys: none of their signatures counts, for anything.
    pub keys: BTreeSet<KeyId>,
    /// Digests of components or manifests.
    pub digests: BTreeSet<Digest>,
}

/// A root of trust: the payload of a [`PayloadType::Root`] envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// For whom it speaks.
    pub scope: RootScope,
    /// Its version, from 1.
    pub version: u64,
    /// From when on it is not believed any more.
    pub expires: Timestamp,
    /// All keys that it knows.
    pub keys: BTreeMap<KeyId, KnownKey>,
    /// Who may make the next version.
    pub root: Role,
    /// Who vets releases. The threshold here is the least that any approval takes; `reviews` may ask for more.
    #[serde(default)]
    pub reviewers: BTreeSet<KeyId>,
    /// Who may quarantine releases, and end that.
    #[serde(default)]
    pub withdrawals: Role,
    /// Who may let a release below the floor run: the second factor of a downgrade.
    #[serde(default)]
    pub overrides: Role,
    /// Who may publish what. Absent in a tenant's root: whoever the platform lets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publishers: Option<Vec<Publisher>>,
    /// How many reviewers it takes.
    #[serde(default)]
    pub reviews: Needed,
    /// What is not trusted any more.
    #[serde(default)]
    pub revoked: Revoked,
    /// The lowest release number of a plugin that may run.
    #[serde(default)]
    pub floors: BTreeMap<PluginId, u64>,
}

impl Root {
    /// The first version for this scope: one root key, nobody else.
    pub fn new(scope: RootScope, key: &PublicKey, owner: &str, expires: Timestamp) -> Self {
        let role = Role { keys: BTreeSet::from([key.keyid()]), threshold: 1 };
        let publishers = (scope == RootScope::Platform).then(Vec::new);
        let mut root = Self {
            scope,
            version: 1,
            expires,
            keys: BTreeMap::new(),
            root: role,
            reviewers: BTreeSet::new(),
            withdrawals: Role::default(),
            overrides: Role::default(),
            publishers,
            reviews: Needed::default(),
            revoked: Revoked::default(),
            floors: BTreeMap::new(),
        };
        root.know(key, owner);
        root
    }

    /// Adds a key to those that it knows, and gives its id.
    pub fn know(&mut self, key: &PublicKey, owner: &str) -> KeyId {
        let id = key.keyid();
        self.keys.entry(id.clone()).or_insert_with(|| KnownKey { key: key.to_string(), owner: plain(owner) });
        id
    }

    /// Puts a new key in the place of an old one, in every role that it has. False where the old one is not known, or is
    /// revoked: whoever stole a key can sign a handover with it.
    pub fn replace(&mut self, old: &PublicKey, new: &PublicKey) -> bool {
        let (old, owner) = (old.keyid(), self.keys.get(&old.keyid()).map(|known| known.owner.clone()));
        let Some(owner) = owner.filter(|_| !self.revoked.keys.contains(&old)) else { return false };
        let new = self.know(new, &owner);
        self.keys.remove(&old);
        let publishers = self.publishers.iter_mut().flatten().map(|publisher| &mut publisher.role.keys);
        let own = [&mut self.root.keys, &mut self.withdrawals.keys, &mut self.overrides.keys, &mut self.reviewers];
        for keys in own.into_iter().chain(publishers).filter(|keys| keys.contains(&old)) {
            keys.remove(&old);
            keys.insert(new.clone());
        }
        true
    }

    /// The bytes to sign.
    pub fn to_bytes(&self) -> Vec<u8> {
        sorted(self).unwrap_or_default().to_string().into_bytes()
    }

    /// Signs it with one key; [`Envelope::signed_also`] adds others.
    pub fn signed(&self, key: &dyn Signer) -> Result<Envelope, KeyError> {
        Envelope::sign(PayloadType::Root, self.to_bytes(), key)
    }

    /// Reads a root that nobody has checked yet, to show or to edit it.
    pub fn read(envelope: &Envelope) -> Result<Self, TrustError> {
        let root: Self = serde_json::from_slice(envelope.unverified())
            .map_err(|error| TrustError::Unreadable(plain(&error.to_string())))?;
        root.whole()?;
        Ok(root)
    }

    /// The first version: signed by enough of its own root keys.
    pub fn first(text: &str) -> Result<Self, TrustError> {
        let envelope = Envelope::parse(PayloadType::Root, text)?;
        let root = Self::read(&envelope)?;
        if root.version != 1 {
            return Err(TrustError::Version { expected: 1, found: root.version });
        }
        root.signed_by_own(&envelope, &root)?;
        Ok(root)
    }

    /// The next version: signed by enough root keys of this one, and by enough of its own.
    pub fn next(&self, text: &str) -> Result<Self, TrustError> {
        let envelope = Envelope::parse(PayloadType::Root, text)?;
        let next = Self::read(&envelope)?;
        if next.scope != self.scope {
            return Err(TrustError::Scope { expected: self.scope.clone(), found: next.scope });
        }
        if next.version != self.version + 1 {
            return Err(TrustError::Version { expected: self.version + 1, found: next.version });
        }
        self.signed_by_own(&envelope, self)?;
        next.signed_by_own(&envelope, &next)?;
        Ok(next)
    }

    fn signed_by_own(&self, envelope: &Envelope, of: &Self) -> Result<(), TrustError> {
        let who = format!("the root keys of version {} of '{}'", of.version, of.scope);
        envelope.verify(&of.active(&of.root.keys), of.root.threshold, &who)?;
        Ok(())
    }

    /// Those of these keys that are not revoked.
    pub fn active<'a>(&self, ids: impl IntoIterator<Item = &'a KeyId>) -> Vec<PublicKey> {
        let known = ids.into_iter().filter(|id| !self.revoked.keys.contains(*id)).filter_map(|id| self.keys.get(id));
        known.filter_map(|known| known.key.parse().ok()).collect()
    }

    /// Who may publish a plugin: the entry with the longest prefix of its id.
    pub fn publisher(&self, plugin: &PluginId) -> Option<&Publisher> {
        let begins = |prefix: &PublisherId| {
            plugin.as_str().strip_prefix(prefix.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        let fits = self.publishers.iter().flatten().filter(|publisher| begins(&publisher.prefix));
        fits.max_by_key(|publisher| publisher.prefix.as_str().len())
    }

    /// Fails unless every key is what its id says, and every role can act.
    fn whole(&self) -> Result<(), TrustError> {
        let wrong = |what: String| Err(TrustError::NotWhole(what));
        if self.keys.len() > MAX_KEYS {
            return wrong(format!("it has {} keys; the most is {MAX_KEYS}", self.keys.len()));
        }
        for (id, known) in &self.keys {
            let right = known.key.parse::<PublicKey>().is_ok_and(|key| key.keyid() == *id);
            if !right || plain(&known.owner) != known.owner {
                return wrong(format!("the key under '{}' is not the one with that id", plain(id)));
            }
        }
        if let Some(id) = self.revoked.keys.iter().find(|id| !is_key_id(id)) {
            return wrong(format!("it revokes the key '{}', which is no key's id: 64 of 0-9 and a-f", plain(id)));
        }
        if self.scope == RootScope::Platform && self.publishers.is_none() {
            return wrong("the platform's root must say who may publish".to_owned());
        }
        let publishers = self.publishers.iter().flatten();
        let named = publishers.map(|publisher| (format!("publisher {}", publisher.prefix), &publisher.role, true));
        let own = [
            ("root", &self.root, true),
            ("withdrawals", &self.withdrawals, false),
            ("overrides", &self.overrides, false),
        ];
        for (name, role, needed) in
            own.map(|(name, role, needed)| (name.to_owned(), role, needed)).into_iter().chain(named)
        {
            self.can_act(&name, role, needed)?;
        }
        self.known("reviewers", &self.reviewers)?;
        let most = [self.reviews.low, self.reviews.medium, self.reviews.high].into_iter().max().unwrap_or_default();
        let reviewers = self.active(&self.reviewers).len();
        if most > reviewers {
            return wrong(format!(
                "{most} reviewers must approve, but there are only {reviewers}: nothing could be approved"
            ));
        }
        let mut prefixes = BTreeSet::new();
        match self.publishers.iter().flatten().find(|publisher| !prefixes.insert(publisher.prefix.clone())) {
            Some(twice) => wrong(format!("publisher {} is there twice", twice.prefix)),
            None => Ok(()),
        }
    }

    fn known(&self, name: &str, keys: &BTreeSet<KeyId>) -> Result<(), TrustError> {
        match keys.iter().find(|id| !self.keys.contains_key(*id)) {
            Some(id) => {
                Err(TrustError::NotWhole(format!("{name} names the key '{}', which is not among its keys", plain(id))))
            }
            None => Ok(()),
        }
    }

    fn can_act(&self, name: &str, role: &Role, needed: bool) -> Result<(), TrustError> {
        self.known(name, &role.keys)?;
        let active = self.active(&role.keys).len();
        let nobody = role.keys.is_empty() && !needed;
        match role.threshold {
            0 if nobody => Ok(()),
            0 => Err(TrustError::NotWhole(format!("{name} needs a threshold of at least 1"))),
            n if n > active => Err(TrustError::NotWhole(format!(
                "{name} needs {n} keys and has {active} that are not revoked: nobody could act"
            ))),
            _ => Ok(()),
        }
    }
}
