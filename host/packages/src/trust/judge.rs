//! One release held against all that is trusted.
//!
//! Invariants: the publisher's signature comes first, and nothing else is looked at without it; of each reviewer's key the
//! latest verdict counts, and of two at the same time the one that refuses; no key of the plugin's publisher reviews, whether it
//! signed this release or not (four eyes); what several reviewers allow at most is the meet of it; a judgement says until when
//! it holds, and nothing that it rests on ends before.

use std::collections::BTreeMap;

use portcullis_model::{
    catalogue::Catalogue,
    id::{Digest, TenantId},
    release::ReleaseId,
    scope::{Risk, ScopeText},
    time::Timestamp,
    trust::RootScope,
};

use super::{
    By, Distrust, Trust,
    root::{KeyId, Root},
    withdrawal::Override,
};
use crate::{
    dsse::{Envelope, PayloadType},
    manifest::Manifest,
    statement::{Decision, Release, Statement, Verdict},
};

/// How far ahead of this host's clock a signer's may be, in milliseconds.
const CLOCK_SLACK: i64 = 5 * 60 * 1000;

/// What is judged: a release, with what was signed about it.
pub struct Subject<'a> {
    /// Which release.
    pub id: ReleaseId,
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// The publisher's envelope.
    pub envelope: &'a Envelope,
    /// What others signed about it: verdicts, overrides. What cannot be read is left out.
    pub statements: &'a [String],
}

/// A release that is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The most that reviewers approved; `None`: nobody has to, and nobody did.
    pub reviewed: Option<Vec<ScopeText>>,
    /// Until when this judgement holds if nothing new is signed.
    pub until: Timestamp,
}

/// A verdict whose signature held.
pub(super) struct Counted {
    key: KeyId,
    pub(super) verdict: Verdict,
}

impl Trust {
    /// Holds a release against the platform's root and the tenant's, if it has one.
    pub fn judge(
        &self,
        subject: &Subject<'_>,
        tenant: &TenantId,
        now: Timestamp,
        catalogue: &dyn Catalogue,
    ) -> Result<Judged, Distrust> {
        let layers: Vec<&Root> =
            std::iter::once(&self.platform).chain(self.tenants.get(tenant)).map(|layer| &layer.root).collect();
        // Those of the platform's root and of the tenant's: neither reviews what it publishes.
        let mut publishers = Publishers::default();
        for root in &layers {
            current(root, now)?;
            publishers.add(root, subject)?;
        }
        let mut judged = Judged { reviewed: None, until: Timestamp(i64::MAX) };
        for root in layers {
            not_revoked(root, &subject.id)?;
            self.not_withdrawn(root, subject, &publishers.signed)?;
            let lowered = above_floor(root, subject, now)?;
            let (reviewed, until) = review(root, subject, &publishers.all, now, catalogue)?;
            judged.until = judged.until.min(until).min(lowered).min(root.expires);
            judged.reviewed = match (judged.reviewed.take(), reviewed) {
                (Some(a), Some(b)) => Some(catalogue.meet(&a, &b)?),
                (a, b) => a.or(b),
            };
        }
        Ok(judged)
    }

    /// Whether a tenant may go back to this release although it has had a newer one: the platform's people for overrides let
    /// it, and so do the tenant's, where its root names some.
    pub fn may_go_back(&self, release: &ReleaseId, statements: &[String], tenant: &TenantId, now: Timestamp) -> bool {
        let own = self.tenants.get(tenant).filter(|layer| layer.root.overrides.threshold > 0);
        let mut layers = std::iter::once(&self.platform).chain(own);
        layers.all(|layer| now < layer.root.expires && overridden(&layer.root, release, statements, now).is_some())
    }

    /// Holds a release against the platform's root, for being kept and not for being run: gives what it lacks before it may run,
    /// where that is only what can still come.
    pub fn publishable(
        &self,
        subject: &Subject<'_>,
        now: Timestamp,
        catalogue: &dyn Catalogue,
    ) -> Result<Option<Distrust>, Distrust> {
        let publishers = self.admitted(subject, now)?;
        match review(&self.platform.root, subject, &publishers.all, now, catalogue) {
            Err(lacks @ (Distrust::TooFewReviews { .. } | Distrust::Refused { .. })) => Ok(Some(lacks)),
            Err(error) => Err(error),
            Ok(_) => Ok(None),
        }
    }

    /// Holds a release against the platform's root, less what reviewers say. Gives its publisher's keys.
    pub(super) fn admitted(&self, subject: &Subject<'_>, now: Timestamp) -> Result<Publishers, Distrust> {
        let root = &self.platform.root;
        current(root, now)?;
        let mut publishers = Publishers::default();
        publishers.add(root, subject)?;
        not_revoked(root, &subject.id)?;
        self.not_withdrawn(root, subject, &publishers.signed)?;
        above_floor(root, subject, now)?;
        Ok(publishers)
    }

    fn not_withdrawn(&self, root: &Root, subject: &Subject<'_>, signers: &[KeyId]) -> Result<(), Distrust> {
        let holds_here = |by: &By| match by {
            By::Publisher => root.scope == RootScope::Platform,
            By::Root(scope) => *scope == root.scope,
        };
        let covers = |one: &&super::InForce| {
            holds_here(&one.by)
                && one.target.covers(&subject.id, &subject.manifest.id, subject.manifest.release, signers)
        };
        match self.withdrawals.iter().find(covers) {
            None => Ok(()),
            Some(one) => Err(Distrust::Withdrawn {
                target: one.target.to_string(),
                by: match &one.by {
                    By::Publisher => "its publisher".to_owned(),
                    By::Root(scope) => format!("'{scope}'"),
                },
                reason: one.reason.clone(),
            }),
        }
    }
}

fn current(root: &Root, now: Timestamp) -> Result<(), Distrust> {
    match now < root.expires {
        true => Ok(()),
        false => Err(Distrust::Expired { scope: root.scope.clone(), expires: root.expires, next: root.version + 1 }),
    }
}

/// The publisher's keys, as the roots have them.
#[derive(Default)]
pub(super) struct Publishers {
    /// Those that signed this release.
    pub(super) signed: Vec<KeyId>,
    /// All that may sign for this publisher.
    pub(super) all: Vec<KeyId>,
}

impl Publishers {
    /// Adds those of one root: enough of them signed, or an error. None where the root leaves that to the platform's.
    pub(super) fn add(&mut self, root: &Root, subject: &Subject<'_>) -> Result<(), Distrust> {
        if root.publishers.is_none() {
            return Ok(());
        }
        let plugin = &subject.manifest.id;
        let publisher = root
            .publisher(plugin)
            .ok_or_else(|| Distrust::NoPublisher { scope: root.scope.clone(), plugin: plugin.to_string() })?;
        let keys = root.active(&publisher.role.keys);
        let who = format!("publisher {}", publisher.prefix);
        let payload = subject.envelope.verify(&keys, publisher.role.threshold, &who)?;
        Statement::<Release>::parse(payload)?.check(subject.manifest, &subject.id.component)?;
        if !publisher.speaks_for(&subject.manifest.publisher) {
            return Err(Distrust::OtherPublisher {
                scope: root.scope.clone(),
                named: subject.manifest.publisher.to_string(),
                prefix: publisher.prefix.to_string(),
            });
        }
        let signed = subject.envelope.signed_by(&keys).map(|(_, signers)| signers).unwrap_or_default();
        self.signed.extend(signed.iter().map(|key| key.keyid()));
        self.all.extend(publisher.role.keys.iter().cloned());
        Ok(())
    }
}

fn not_revoked(root: &Root, id: &ReleaseId) -> Result<(), Distrust> {
    let both: [(&'static str, Digest); 2] = [("component", id.component), ("manifest", id.manifest)];
    match both.into_iter().find(|(_, digest)| root.revoked.digests.contains(digest)) {
        None => Ok(()),
        Some((what, digest)) => Err(Distrust::Revoked { what, digest, scope: root.scope.clone() }),
    }
}

/// Until when the floor lets it run.
fn above_floor(root: &Root, subject: &Subject<'_>, now: Timestamp) -> Result<Timestamp, Distrust> {
    let manifest = subject.manifest;
    let Some(floor) = root.floors.get(&manifest.id).copied().filter(|floor| manifest.release < *floor) else {
        return Ok(Timestamp(i64::MAX));
    };
    overridden(root, &subject.id, subject.statements, now).ok_or_else(|| Distrust::BelowFloor {
        scope: root.scope.clone(),
        plugin: manifest.id.to_string(),
        release: manifest.release,
        floor,
    })
}

/// Until when those whom this root trusts with overrides let this release run; `None`: they do not.
fn overridden(root: &Root, release: &ReleaseId, statements: &[String], now: Timestamp) -> Option<Timestamp> {
    let role = &root.overrides;
    let keys = root.active(&role.keys);
    let given = statements.iter().filter_map(|text| {
        let envelope = Envelope::parse(PayloadType::Override, text).ok()?;
        let enough = role.threshold > 0 && envelope.verify(&keys, role.threshold, "overrides").is_ok();
        let given = enough.then(|| Override::read(&envelope).ok()).flatten()?;
        (given.release() == *release && !is_early(given.issued, now) && now < given.expires).then_some(given.expires)
    });
    given.max()
}

/// Whether a document is dated later than any clock that goes right could have it.
pub(super) fn is_early(issued: Timestamp, now: Timestamp) -> bool {
    issued.0 > now.0.saturating_add(CLOCK_SLACK)
}

fn review(
    root: &Root,
    subject: &Subject<'_>,
    publishers: &[KeyId],
    now: Timestamp,
    catalogue: &dyn Catalogue,
) -> Result<(Option<Vec<ScopeText>>, Timestamp), Distrust> {
    let Verdicts { latest, next } = verdicts(root, subject, publishers, now);
    if let Some(no) = latest.values().find(|one| one.verdict.decision != Decision::Approve) {
        return Err(Distrust::Refused {
            who: root.keys.get(&no.key).map_or_else(|| no.key.clone(), |known| known.owner.clone()),
            decision: no.verdict.decision.name(),
            at: no.verdict.issued,
            reason: portcullis_model::audit::plain(&no.verdict.reason),
        });
    }
    let (live, expired): (Vec<&Counted>, Vec<&Counted>) = latest.values().partition(|one| now < one.verdict.expires);
    let needed = root.reviews.for_risk(risk(subject.manifest, catalogue));
    if live.len() < needed {
        return Err(Distrust::TooFewReviews {
            scope: root.scope.clone(),
            found: live.len(),
            needed,
            expired: expired.len(),
        });
    }
    let mut reviewed: Option<Vec<ScopeText>> = None;
    // Where nobody has to review, what was approved once is still the most: time never widens anything.
    for one in if live.is_empty() { &expired } else { &live } {
        reviewed = Some(match reviewed {
            None => catalogue.meet(&one.verdict.at_most, &one.verdict.at_most)?,
            Some(so_far) => catalogue.meet(&so_far, &one.verdict.at_most)?,
        });
    }
    let until = live.iter().map(|one| one.verdict.expires).min().unwrap_or(Timestamp(i64::MAX));
    Ok((reviewed, until.min(next)))
}

/// What reviewers decided about a release.
pub(super) struct Verdicts {
    /// Of each reviewer's key the latest.
    pub(super) latest: BTreeMap<KeyId, Counted>,
    /// When one that is dated ahead of this host's clock begins to count.
    next: Timestamp,
}

pub(super) fn verdicts(root: &Root, subject: &Subject<'_>, publishers: &[KeyId], now: Timestamp) -> Verdicts {
    let may = root.reviewers.iter().filter(|id| !publishers.contains(*id));
    let keys = root.active(may);
    let (mut latest, mut next): (BTreeMap<KeyId, Counted>, _) = (BTreeMap::new(), Timestamp(i64::MAX));
    for text in subject.statements {
        let Ok(envelope) = Envelope::parse(PayloadType::Statement, text) else { continue };
        let Some((payload, signers)) = envelope.signed_by(&keys) else { continue };
        let Ok(statement) = Statement::<Verdict>::parse(payload) else { continue };
        let verdict = statement.predicate();
        if statement.is_about(&subject.id).is_err() {
            continue;
        }
        if is_early(verdict.issued, now) {
            next = next.min(Timestamp(verdict.issued.0.saturating_sub(CLOCK_SLACK)));
            continue;
        }
        for key in signers.iter().map(|key| key.keyid()) {
            let newer = latest.get(&key).is_none_or(|old| {
                let refuses = verdict.decision != Decision::Approve;
                verdict.issued > old.verdict.issued || (verdict.issued == old.verdict.issued && refuses)
            });
            if newer {
                latest.insert(key.clone(), Counted { key, verdict: verdict.clone() });
            }
        }
    }
    Verdicts { latest, next }
}

/// The highest risk of what a manifest asks for. A scope that says nothing of itself is not thereby harmless.
pub(crate) fn risk(manifest: &Manifest, catalogue: &dyn Catalogue) -> Option<Risk> {
    let risks = manifest.scopes.iter().flat_map(|asked| match catalogue.describe(&asked.scope) {
        Ok(descriptions) if !descriptions.is_empty() => descriptions.iter().map(|one| one.risk).collect(),
        _ => vec![Risk::High],
    });
    risks.max()
}
