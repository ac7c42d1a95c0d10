//! What the tests of trust share: keys by number, a platform with everybody in it, and a release to judge.

mod overrides;
mod publishers;
mod roots;
mod verdicts;
mod withdrawals;

use std::sync::Mutex;

use portcullis_model::{id::Digest, release::ReleaseId, time::Timestamp, trust::StoredTrust};

use super::{
    root::{Needed, Root},
    *,
};
use crate::{
    keys::SecretKey,
    manifest::Manifest,
    statement::{Decision, Release, Statement, Verdict},
    testing::{Fake, Fixed, MANIFEST, root as with_publishers},
};

const KEEPER: u8 = 1;
const OTHER_KEEPER: u8 = 2;
const PUBLISHER: u8 = 10;
const OTHER_PUBLISHER: u8 = 11;
const REVIEWERS: [u8; 3] = [20, 21, 22];
const WITHDRAWERS: [u8; 2] = [30, 31];
const OVERRIDER: u8 = 40;
const TENANT_KEEPER: u8 = 50;
const STRANGER: u8 = 99;

/// The moment at which everything is judged that names no other.
const NOW: Timestamp = Timestamp(1_000_000_000);

fn key(number: u8) -> SecretKey {
    SecretKey::generate(&Fixed(Mutex::new(number)))
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

/// A platform with a publisher, three reviewers of whom a high risk takes two, two who withdraw together, one who overrides.
fn platform() -> Root {
    let mut root = with_publishers(&key(KEEPER), &[key(PUBLISHER).public()]);
    for number in REVIEWERS {
        let id = root.know(&key(number).public(), &format!("reviewer {number}"));
        root.reviewers.insert(id);
    }
    root.reviews = Needed { low: 0, medium: 1, high: 2 };
    for number in WITHDRAWERS {
        let id = root.know(&key(number).public(), "a withdrawer");
        root.withdrawals.keys.insert(id);
    }
    root.withdrawals.threshold = 2;
    let id = root.know(&key(OVERRIDER).public(), "the second factor");
    root.overrides.keys.insert(id);
    root.overrides.threshold = 1;
    root
}

/// A tenant's root, signed by its own keeper.
fn tenants() -> Root {
    Root::new(RootScope::Tenant(acme()), &key(TENANT_KEEPER).public(), "acme", Timestamp(1_000_000_000_000))
}

fn signed(root: &Root, keys: &[u8]) -> String {
    let mut envelope = root.signed(&key(keys[0])).unwrap();
    for number in &keys[1..] {
        envelope = envelope.signed_also(&key(*number)).unwrap();
    }
    envelope.to_json()
}

/// The next version of a root, with this change.
fn next(root: &Root, change: impl FnOnce(&mut Root)) -> Root {
    let mut next = root.clone();
    next.version += 1;
    change(&mut next);
    next
}

/// What is stored, and the digest that is pinned.
struct Stored(StoredTrust, Digest);

impl Stored {
    fn new(first: &Root) -> Self {
        let text = signed(first, &[KEEPER]);
        let anchor = Digest::of(&first.to_bytes());
        Self(StoredTrust { revision: 1, roots: vec![(first.scope.clone(), text)], withdrawals: Vec::new() }, anchor)
    }

    fn root(mut self, root: &Root, keys: &[u8]) -> Self {
        self.0.roots.push((root.scope.clone(), signed(root, keys)));
        self
    }

    fn withdrawal(mut self, withdrawal: &Withdrawal, keys: &[u8]) -> Self {
        let mut envelope = withdrawal.signed(&key(keys[0])).unwrap();
        for number in &keys[1..] {
            envelope = envelope.signed_also(&key(*number)).unwrap();
        }
        self.0.withdrawals.push(envelope.to_json());
        self
    }

    fn load(&self) -> Result<Trust, TrustError> {
        Trust::load(&self.0, &self.1)
    }

    fn refusal(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

fn manifest() -> Manifest {
    Manifest::parse(MANIFEST).unwrap()
}

fn release() -> ReleaseId {
    ReleaseId { component: Digest::of(b"component"), manifest: manifest().digest }
}

fn verdict(decision: Decision) -> Verdict {
    Verdict {
        decision,
        at_most: vec!["tickets:read fields=comments".parse().unwrap()],
        issued: Timestamp(NOW.0 - 1_000),
        expires: Timestamp(NOW.0 + 1_000_000),
        report: None,
        reason: "looked at".to_owned(),
    }
}

fn said(by: u8, verdict: Verdict) -> String {
    Statement::about(&release(), verdict).signed(&key(by)).unwrap().to_json()
}

/// Two approvals: what a high risk takes.
fn approved() -> Vec<String> {
    REVIEWERS[..2].iter().map(|by| said(*by, verdict(Decision::Approve))).collect()
}

/// Judges the release as these keys signed it.
fn judged(trust: &Trust, by: &[u8], statements: &[String], at: Timestamp) -> Result<Judged, Distrust> {
    let manifest = manifest();
    let mut envelope = Statement::<Release>::new(&manifest, &release().component).signed(&key(by[0])).unwrap();
    for number in &by[1..] {
        envelope = envelope.signed_also(&key(*number)).unwrap();
    }
    let subject = Subject { id: release(), manifest: &manifest, envelope: &envelope, statements };
    trust.judge(&subject, &acme(), at, &Fake)
}

/// Why it is refused now.
fn refused(trust: &Trust, by: &[u8], statements: &[String]) -> String {
    judged(trust, by, statements, NOW).unwrap_err().to_string()
}

#[test]
fn what_everybody_signed_holds_until_the_first_of_it_expires() {
    let trust = Stored::new(&platform()).load().unwrap();
    let held = judged(&trust, &[PUBLISHER], &approved(), NOW).unwrap();
    assert_eq!(held.until, Timestamp(NOW.0 + 1_000_000));
    assert_eq!(held.reviewed.unwrap()[0].to_string(), "tickets:read fields=comments");
}
