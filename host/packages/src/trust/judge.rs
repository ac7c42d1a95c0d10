//! One release held against all that is trusted.
//!
//! Invariants: the publisher's signature comes first, and nothing else is looked at without it; of each reviewer's key the
//! latest verdict counts, and of two at the same time the one that refuses; a key that signed as publisher does not review
//! (four eyes); what several reviewers allow at most is the meet of it.

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

/// How far ahead of this host's clock a reviewer's may be, in milliseconds.
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
struct Counted {
    key: KeyId,
    verdict: Verdict,
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
        // Those of the platform's root and of the tenant's: neither reviews what it publishes.
        let mut publishers = Vec::new();
        let mut judged = Judged { reviewed: None, until: Timestamp(i64::MAX) };
        for layer in std::iter::once(&self.platform).chain(self.tenants.get(tenant)) {
            let root = &layer.root;
            current(root, now)?;
            publishers.extend(signers(root, subject)?);
            not_revoked(root, &subject.id)?;
            self.not_withdrawn(root, subject, &publishers)?;
            above_floor(root, subject, now)?;
            let (reviewed, until) = review(root, subject, &publishers, now, catalogue)?;
            judged.until = judged.until.min(until).min(root.expires);
            judged.reviewed = match (judged.reviewed.take(), reviewed) {
                (Some(a), Some(b)) => Some(catalogue.meet(&a, &b)?),
                (a, b) => a.or(b),
            };
        }
        Ok(judged)
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

/// The ids of the publisher's keys that signed; enough of them, or an error. None where the root leaves that to the platform's.
fn signers(root: &Root, subject: &Subject<'_>) -> Result<Vec<KeyId>, Distrust> {
    if root.publishers.is_none() {
        return Ok(Vec::new());
    }
    let plugin = &subject.manifest.id;
    let publisher = root
        .publisher(plugin)
        .ok_or_else(|| Distrust::NoPublisher { scope: root.scope.clone(), plugin: plugin.to_string() })?;
    let keys = root.active(&publisher.role.keys);
    let who = format!("publisher {}", publisher.prefix);
    let payload = subject.envelope.verify(&keys, publisher.role.threshold, &who)?;
    Statement::<Release>::parse(payload)?.check(subject.manifest, &subject.id.component)?;
    let signed = subject.envelope.signed_by(&keys).map(|(_, signers)| signers).unwrap_or_default();
    Ok(signed.iter().map(|key| key.keyid()).collect())
}

fn not_revoked(root: &Root, id: &ReleaseId) -> Result<(), Distrust> {
    let both: [(&'static str, Digest); 2] = [("component", id.component), ("manifest", id.manifest)];
    match both.into_iter().find(|(_, digest)| root.revoked.digests.contains(digest)) {
        None => Ok(()),
        Some((what, digest)) => Err(Distrust::Revoked { what, digest, scope: root.scope.clone() }),
    }
}

fn above_floor(root: &Root, subject: &Subject<'_>, now: Timestamp) -> Result<(), Distrust> {
    let manifest = subject.manifest;
    let Some(floor) = root.floors.get(&manifest.id).copied().filter(|floor| manifest.release < *floor) else {
        return Ok(());
    };
    let role = &root.overrides;
    let allowed = subject.statements.iter().any(|text| {
        let Ok(envelope) = Envelope::parse(PayloadType::Override, text) else { return false };
        let enough =
            role.threshold > 0 && envelope.verify(&root.active(&role.keys), role.threshold, "overrides").is_ok();
        enough && Override::read(&envelope).is_ok_and(|one| one.release() == subject.id && now < one.expires)
    });
    match allowed {
        true => Ok(()),
        false => Err(Distrust::BelowFloor {
            scope: root.scope.clone(),
            plugin: manifest.id.to_string(),
            release: manifest.release,
            floor,
        }),
    }
}

fn review(
    root: &Root,
    subject: &Subject<'_>,
    publishers: &[KeyId],
    now: Timestamp,
    catalogue: &dyn Catalogue,
) -> Result<(Option<Vec<ScopeText>>, Timestamp), Distrust> {
    let latest = verdicts(root, subject, publishers, now);
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
    for one in &live {
        reviewed = Some(match reviewed {
            None => catalogue.meet(&one.verdict.at_most, &one.verdict.at_most)?,
            Some(so_far) => catalogue.meet(&so_far, &one.verdict.at_most)?,
        });
    }
    let until = live.iter().map(|one| one.verdict.expires).min().unwrap_or(Timestamp(i64::MAX));
    Ok((reviewed, until))
}

/// Of each reviewer's key the latest verdict about this release.
fn verdicts(root: &Root, subject: &Subject<'_>, publishers: &[KeyId], now: Timestamp) -> BTreeMap<KeyId, Counted> {
    let may = root.reviewers.iter().filter(|id| !publishers.contains(*id));
    let keys = root.active(may);
    let mut latest: BTreeMap<KeyId, Counted> = BTreeMap::new();
    for text in subject.statements {
        let Ok(envelope) = Envelope::parse(PayloadType::Statement, text) else { continue };
        let Some((payload, signers)) = envelope.signed_by(&keys) else { continue };
        let Ok(statement) = Statement::<Verdict>::parse(payload) else { continue };
        let verdict = statement.predicate();
        if statement.is_about(&subject.id).is_err() || verdict.issued.0 > now.0.saturating_add(CLOCK_SLACK) {
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
    latest
}

/// The highest risk of what a manifest asks for. A scope that says nothing of itself is not thereby harmless.
pub(crate) fn risk(manifest: &Manifest, catalogue: &dyn Catalogue) -> Option<Risk> {
    let risks = manifest.scopes.iter().flat_map(|asked| match catalogue.describe(&asked.scope) {
        Ok(descriptions) if !descriptions.is_empty() => descriptions.iter().map(|one| one.risk).collect(),
        _ => vec![Risk::High],
    });
    risks.max()
}
