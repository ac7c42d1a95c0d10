//! How a release stands with its reviewers: what those who decide about it, and those who wait for them, look at.
//!
//! Invariant: the verdicts here are those that [`Trust::judge`] counts, and no others.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_model::{catalogue::Catalogue, scope::Risk, time::Timestamp, trust::RootScope};

use super::{
    Distrust, Subject, Trust, TrustError,
    judge::{Publishers, risk, verdicts},
    root::KeyId,
};
use crate::statement::{Decision, Verdict};

/// A verdict that counts: the latest of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The reviewer's key.
    pub key: KeyId,
    /// Whose it is, as the root has it.
    pub owner: String,
    /// What was decided.
    pub verdict: Verdict,
}

/// How a release stands, by one root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whose root.
    pub scope: RootScope,
    /// The highest risk of what it asks for.
    pub risk: Option<Risk>,
    /// How many reviewers must approve it.
    pub needed: usize,
    /// The verdicts, by their keys.
    pub given: Vec<Given>,
    /// Who may review it: key and owner. None of its publisher's (four eyes).
    pub reviewers: BTreeMap<KeyId, String>,
    /// The keys of its publisher: whoever holds one of them reviews nothing of it.
    pub publishers: BTreeSet<KeyId>,
    /// Why it may not run, whatever reviewers say.
    pub against: Option<Distrust>,
}

impl Standing {
    /// The approvals that hold at this time.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &Given> {
        self.approvals().filter(move |one| now < one.verdict.expires)
    }

    /// The approvals whose time was over by then.
    pub fn expired(&self, now: Timestamp) -> impl Iterator<Item = &Given> {
        self.approvals().filter(move |one| now >= one.verdict.expires)
    }

    /// The verdicts with this decision.
    pub fn decided(&self, decision: Decision) -> impl Iterator<Item = &Given> {
        self.given.iter().filter(move |one| one.verdict.decision == decision)
    }

    /// This key's verdict.
    pub fn by(&self, key: &str) -> Option<&Given> {
        self.given.iter().find(|one| one.key == key)
    }

    fn approvals(&self) -> impl Iterator<Item = &Given> {
        self.decided(Decision::Approve)
    }
}

impl Trust {
    /// Holds a release against the platform's root, less what reviewers say: whether it can be reviewed at all.
    pub fn admit(&self, subject: &Subject<'_>, now: Timestamp) -> Result<(), Distrust> {
        self.admitted(subject, now).map(drop)
    }

    /// How a release stands by the root of this scope.
    ///
    /// # Errors
    /// Where there is no such root.
    pub fn standing(
        &self,
        subject: &Subject<'_>,
        scope: &RootScope,
        now: Timestamp,
        catalogue: &dyn Catalogue,
    ) -> Result<Standing, TrustError> {
        let root = self.root(scope).ok_or(TrustError::Gone)?;
        let mut publishers = Publishers::default();
        for one in [&self.platform.root, root] {
            // What a root does not let run, `against` says.
            drop(publishers.add(one, subject));
        }
        let publishers: BTreeSet<KeyId> = publishers.all.into_iter().collect();
        let owner = |key: &KeyId| root.keys.get(key).map_or_else(|| key.clone(), |known| known.owner.clone());
        let may = root.reviewers.iter().filter(|key| !publishers.contains(*key) && !root.revoked.keys.contains(*key));
        let risk = risk(subject.manifest, catalogue);
        let keys: Vec<KeyId> = publishers.iter().cloned().collect();
        let counted = verdicts(root, subject, &keys, now).latest.into_iter();
        Ok(Standing {
            scope: scope.clone(),
            risk,
            needed: root.reviews.for_risk(risk),
            reviewers: may.map(|key| (key.clone(), owner(key))).collect(),
            given: counted.map(|(key, one)| Given { owner: owner(&key), key, verdict: one.verdict }).collect(),
            publishers,
            against: self.admit(subject, now).err(),
        })
    }
}
