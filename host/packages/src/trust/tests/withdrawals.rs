//! Withdrawals: whose they are, what they cover, and what ends them.

use super::*;

fn yank(target: Target) -> Withdrawal {
    Withdrawal { what: Act::Yank { target }, reason: "leaks subjects".into(), issued: NOW }
}

fn quarantine(target: Target) -> Withdrawal {
    Withdrawal { what: Act::Quarantine { target }, reason: "under investigation".into(), issued: NOW }
}

fn lift(of: &Withdrawal) -> Withdrawal {
    let of = Digest::of(of.signed(&key(1)).unwrap().unverified());
    Withdrawal { what: Act::Lift { of }, reason: "a false alarm".into(), issued: NOW }
}

fn releases(from: u64, to: Option<u64>) -> Target {
    Target::Releases { plugin: "com.example.card-guard".parse().unwrap(), from, to }
}

fn runs(stored: &Stored) -> bool {
    judged(&stored.load().unwrap(), &[PUBLISHER], &approved(), NOW).is_ok()
}

fn stored() -> Stored {
    Stored::new(&platform())
}

#[test]
fn a_publisher_yanks_its_own_and_nobody_elses() {
    let third = yank(releases(3, Some(3)));
    let yanked = stored().withdrawal(&third, &[PUBLISHER]);
    let error = refused(&yanked.load().unwrap(), &[PUBLISHER], &approved());
    assert!(
        error.contains("withdrawn (com.example.card-guard, release 3), by its publisher: leaks subjects"),
        "{error}"
    );
    let mut root = platform();
    let id = root.know(&key(OTHER_PUBLISHER).public(), "another publisher");
    let role = root::Role { keys: [id].into(), threshold: 1 };
    root.publishers.as_mut().unwrap().push(root::Publisher { prefix: "org.other".parse().unwrap(), role });
    for by in [OTHER_PUBLISHER, STRANGER, REVIEWERS[0], WITHDRAWERS[0]] {
        let stored = Stored::new(&root).withdrawal(&third, &[by]);
        assert!(runs(&stored), "not theirs: {by}");
        let envelope = third.signed(&key(by)).unwrap();
        let error = stored.load().unwrap().authority(&envelope).unwrap_err().to_string();
        assert!(error.contains("a yank is signed by a key of the plugin's publisher"), "{error}");
    }
    let of_key = yank(Target::PublisherKey { key: key(PUBLISHER).public().keyid() });
    assert!(runs(&stored().withdrawal(&of_key, &[PUBLISHER])), "a key is no plugin's");
    let lifted = stored().withdrawal(&third, &[PUBLISHER]).withdrawal(&lift(&third), &[WITHDRAWERS[0], WITHDRAWERS[1]]);
    assert!(!runs(&lifted), "a yank is for good");
    let lifted = stored().withdrawal(&third, &[PUBLISHER]).withdrawal(&lift(&third), &[PUBLISHER]);
    assert!(!runs(&lifted), "for who yanked it too");
}

#[test]
fn what_is_covered() {
    let digest = release().component;
    let plugin = "com.example.card-guard".parse().unwrap();
    let other = "com.example.other".parse().unwrap();
    let by_key = |number: u8| Target::PublisherKey { key: key(number).public().keyid() };
    for (target, covered) in [
        (releases(3, Some(3)), true),
        (releases(0, None), true),
        (releases(1, Some(3)), true),
        (releases(4, None), false),
        (releases(1, Some(2)), false),
        (Target::Component { plugin, digest }, true),
        (Target::Component { plugin: "com.example.card-guard".parse().unwrap(), digest: Digest::of(b"x") }, false),
        (Target::Component { plugin: other, digest }, false),
        (by_key(PUBLISHER), true),
        (by_key(OTHER_PUBLISHER), false),
    ] {
        let stored = stored().withdrawal(&quarantine(target.clone()), &WITHDRAWERS);
        assert_eq!(!runs(&stored), covered, "{target}");
    }
}

#[test]
fn what_could_cover_nothing_is_refused() {
    for (target, error) in [
        (releases(5, Some(3)), "there are no releases from 5 to 3"),
        (Target::PublisherKey { key: key(1).public().to_string() }, "is no key's id"),
        (Target::PublisherKey { key: key(1).public().keyid().to_uppercase() }, "is no key's id"),
    ] {
        let envelope = quarantine(target).signed(&key(1)).unwrap();
        let found = Withdrawal::read(&envelope).unwrap_err().to_string();
        assert!(found.contains(error), "{found}");
    }
    for reason in ["", " ", "two\nlines", &"x".repeat(501)] {
        let mut one = quarantine(releases(1, None));
        one.reason = reason.to_owned();
        assert!(Withdrawal::read(&one.signed(&key(1)).unwrap()).is_err(), "{reason:?}");
    }
}

#[test]
fn a_quarantine_takes_its_threshold() {
    let all = quarantine(releases(0, None));
    for keys in
        [&WITHDRAWERS[..1], &[WITHDRAWERS[0], WITHDRAWERS[0]], &[WITHDRAWERS[0], STRANGER], &[KEEPER], &[PUBLISHER]]
    {
        assert!(runs(&stored().withdrawal(&all, keys)), "{keys:?}");
    }
    assert!(!runs(&stored().withdrawal(&all, &WITHDRAWERS)));
    assert!(
        !runs(&stored().withdrawal(&all, &[WITHDRAWERS[1], STRANGER, WITHDRAWERS[0]])),
        "a stranger takes nothing away"
    );
}

#[test]
fn only_who_quarantined_lifts_it() {
    let all = quarantine(releases(0, None));
    let after = |keys: &[u8]| stored().withdrawal(&all, &WITHDRAWERS).withdrawal(&lift(&all), keys);
    assert!(runs(&after(&WITHDRAWERS)));
    assert!(!runs(&after(&WITHDRAWERS[..1])));
    assert!(!runs(&after(&[PUBLISHER])));
    let other = quarantine(releases(1, None));
    let stored_other = stored().withdrawal(&all, &WITHDRAWERS).withdrawal(&lift(&other), &WITHDRAWERS);
    assert!(!runs(&stored_other), "the lift of another one");
    // A tenant does not lift what the platform stopped, nor stop what runs elsewhere.
    let mut own = tenants();
    own.withdrawals = own.root.clone();
    let with = || stored().root(&own, &[TENANT_KEEPER, KEEPER]);
    assert!(!runs(&with().withdrawal(&all, &WITHDRAWERS).withdrawal(&lift(&all), &[TENANT_KEEPER])));
    let theirs = with().withdrawal(&all, &[TENANT_KEEPER]);
    assert!(!runs(&theirs), "in its own");
    let manifest = manifest();
    let envelope = Statement::<Release>::new(&manifest, &release().component).signed(&key(PUBLISHER)).unwrap();
    let statements = approved();
    let subject = Subject { id: release(), manifest: &manifest, envelope: &envelope, statements: &statements };
    let elsewhere = theirs.load().unwrap().judge(&subject, &"other".parse().unwrap(), NOW, &Fake);
    assert!(elsewhere.is_ok(), "in another it goes on: {elsewhere:?}");
}

#[test]
fn a_key_that_is_replaced_takes_nothing_back() {
    let first = platform();
    let second = next(&first, |root| {
        let id = root.know(&key(32).public(), "a new withdrawer");
        root.withdrawals = root::Role { keys: [id].into(), threshold: 1 };
        let id = root.know(&key(OTHER_PUBLISHER).public(), "the publisher's new key");
        root.publishers.as_mut().unwrap()[0].role.keys.insert(id);
    });
    let rotated = || Stored::new(&first).root(&second, &[KEEPER]);
    let all = quarantine(releases(0, None));
    assert!(!runs(&rotated().withdrawal(&all, &WITHDRAWERS)), "still in force");
    assert!(
        !runs(&rotated().withdrawal(&all, &WITHDRAWERS).withdrawal(&lift(&all), &WITHDRAWERS)),
        "they lift nothing now"
    );
    assert!(
        runs(&rotated().withdrawal(&all, &WITHDRAWERS).withdrawal(&lift(&all), &[32])),
        "whoever is trusted now does"
    );
    assert!(!runs(&rotated().withdrawal(&yank(releases(3, None)), &[PUBLISHER])));
    let third = next(&second, |root| {
        root.revoked.keys.extend(WITHDRAWERS.iter().map(|number| key(*number).public().keyid()));
    });
    let revoked = rotated().root(&third, &[KEEPER]).withdrawal(&all, &WITHDRAWERS);
    assert!(runs(&revoked), "what a revoked key signed counts for nothing: its keepers sign anew what must stay");
}

#[test]
fn a_document_of_one_kind_is_none_of_another() {
    let text = quarantine(releases(0, None)).signed(&key(WITHDRAWERS[0])).unwrap().to_json();
    for kind in [PayloadType::Root, PayloadType::Override, PayloadType::Statement] {
        assert!(Envelope::parse(kind, &text).is_err());
    }
    let payload = br#"{"what":{"act":"quarantine","target":{"type":"releases","plugin":"a.b","from":1,"unless":"x"}},"reason":"r","issued":"2026-01-01T00:00:00.000Z"}"#;
    let envelope = Envelope::sign(PayloadType::Withdrawal, payload.to_vec(), &key(1)).unwrap();
    assert!(Withdrawal::read(&envelope).unwrap_err().to_string().contains("unknown field"));
}
