//! Roots: TUF's rule, and what a root may not say.

use super::*;

#[test]
fn the_next_version_takes_the_thresholds_of_both() {
    let first = next(&platform(), |root| root.version = 1);
    let second = next(&first, |root| {
        let id = root.know(&key(OTHER_KEEPER).public(), "another keeper");
        root.root.keys.insert(id);
        root.root.threshold = 2;
    });
    let load = |keys: &[u8]| Stored::new(&first).root(&second, keys).load();
    assert_eq!(load(&[KEEPER, OTHER_KEEPER]).unwrap().root(&RootScope::Platform).unwrap().version, 2);
    let error = load(&[KEEPER]).unwrap_err().to_string();
    assert!(error.contains("1 of 2 needed keys of the root keys of version 2"), "without its own: {error}");
    let error = load(&[KEEPER, KEEPER]).unwrap_err().to_string();
    assert!(error.contains("1 of 2 needed keys"), "one key twice: {error}");
    let error = load(&[OTHER_KEEPER]).unwrap_err().to_string();
    assert!(error.contains("root keys of version 1"), "without those of the one before: {error}");
    let error = load(&[STRANGER, OTHER_KEEPER]).unwrap_err().to_string();
    assert!(
        error.contains("signature 0 does not verify with any trusted key of the root keys of version 1"),
        "{error}"
    );
    // From there on, one of the two is not enough any more.
    let third = next(&second, |root| root.root.threshold = 1);
    let two = || Stored::new(&first).root(&second, &[KEEPER, OTHER_KEEPER]);
    assert!(two().root(&third, &[KEEPER]).refusal().contains("root keys of version 2"));
    assert!(two().root(&third, &[KEEPER, OTHER_KEEPER]).load().is_ok());
}

#[test]
fn versions_follow_one_another() {
    let first = platform();
    for (version, found) in [(3, "version 3"), (1, "version 1"), (0, "version 0")] {
        let skipped = next(&first, |root| root.version = version);
        let error = Stored::new(&first).root(&skipped, &[KEEPER]).refusal();
        assert!(error.contains(found) && error.contains("must be version 2"), "{error}");
    }
    let second = next(&first, |root| root.expires = Timestamp(2_000_000_000_000));
    let replayed = Stored::new(&first).root(&second, &[KEEPER]).root(&first, &[KEEPER]).refusal();
    assert!(replayed.contains("this root is version 1; the next one must be version 3"), "{replayed}");
    let not_first = next(&first, |_| {});
    assert!(Stored::new(&not_first).refusal().contains("must be version 1"));
}

#[test]
fn the_first_is_the_one_that_is_pinned() {
    let first = platform();
    let Stored(stored, anchor) = Stored::new(&first);
    let mut foreign = with_publishers(&key(STRANGER), &[]);
    let text = signed(&foreign, &[STRANGER]);
    let roots = |scope: RootScope, text: String| StoredTrust { roots: vec![(scope, text)], ..stored.clone() };
    let error = Trust::load(&roots(RootScope::Platform, text), &anchor).unwrap_err().to_string();
    assert!(error.contains("the platform's first root is sha256:") && error.contains("was set up with"), "{error}");
    // The pinned one, signed by somebody else.
    let error = Trust::load(&roots(RootScope::Platform, signed(&first, &[STRANGER])), &anchor).unwrap_err();
    assert!(error.to_string().contains("does not verify"), "{error}");
    foreign.scope = RootScope::Tenant(acme());
    foreign.publishers = None;
    let text = signed(&foreign, &[STRANGER]);
    let pinned = Digest::of(&foreign.to_bytes());
    let error = Trust::load(&roots(RootScope::Platform, text), &pinned).unwrap_err();
    assert_eq!(error, TrustError::Scope { expected: RootScope::Platform, found: RootScope::Tenant(acme()) });
    assert_eq!(Trust::load(&StoredTrust { roots: Vec::new(), ..stored }, &anchor).unwrap_err(), TrustError::Gone);
}

#[test]
fn a_tenant_begins_with_the_platforms_leave_and_goes_on_by_itself() {
    let (first, own) = (platform(), tenants());
    assert!(
        Stored::new(&first).root(&own, &[TENANT_KEEPER]).refusal().contains("signed by the platform's root keys too")
    );
    assert!(Stored::new(&first).root(&own, &[KEEPER]).refusal().contains("root keys of version 1 of 'tenant:acme'"));
    let both = || Stored::new(&first).root(&own, &[TENANT_KEEPER, KEEPER]);
    assert!(both().load().is_ok());
    let second = next(&own, |root| root.expires = Timestamp(2_000_000_000_000));
    assert!(both().root(&second, &[TENANT_KEEPER]).load().is_ok());
    assert!(both().root(&second, &[KEEPER]).refusal().contains("root keys of version 1 of 'tenant:acme'"));
    // Another tenant's, in this one's place.
    let mut stored = both();
    stored.0.roots[1].0 = RootScope::Tenant("other".parse().unwrap());
    assert!(stored.refusal().contains("speaks for 'tenant:acme', not for 'tenant:other'"));
    let elsewhere = next(&own, |root| root.scope = RootScope::Platform);
    let mut stored = both().root(&next(&first, |_| {}), &[KEEPER]);
    stored.0.roots[2] = (RootScope::Tenant(acme()), signed(&next(&platform(), |_| {}), &[KEEPER]));
    assert!(stored.refusal().contains("speaks for 'platform'"));
    assert!(Root::read(&elsewhere.signed(&key(KEEPER)).unwrap()).is_err(), "a platform says who publishes");
}

#[test]
fn a_revoked_keeper_signs_nothing_any_more() {
    let first = platform();
    let second = next(&first, |root| {
        let id = root.know(&key(OTHER_KEEPER).public(), "another keeper");
        root.root.keys.insert(id);
        root.revoked.keys.insert(key(KEEPER).public().keyid());
    });
    let stored = || Stored::new(&first).root(&second, &[KEEPER, OTHER_KEEPER]);
    assert!(stored().load().is_ok());
    let error = Stored::new(&first).root(&second, &[KEEPER]).refusal();
    assert!(error.contains("root keys of version 2"), "its own signature does not count for it: {error}");
    let third = next(&second, |_| {});
    assert!(stored().root(&third, &[KEEPER]).refusal().contains("root keys of version 2"));
    assert!(stored().root(&third, &[OTHER_KEEPER]).load().is_ok());
}

#[test]
fn what_a_root_may_not_say() {
    let id = |number: u8| key(number).public().keyid();
    let weak = "portcullis-key-v1:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    type Change<'a> = Box<dyn Fn(&mut Root) + 'a>;
    let wrong: Vec<(&str, Change<'_>)> = vec![
        (
            "is not the one with that id",
            Box::new(|root| {
                let known = root.keys[&id(KEEPER)].clone();
                root.keys.insert(id(PUBLISHER), known);
            }),
        ),
        (
            "is not the one with that id",
            Box::new(|root| {
                root.keys.get_mut(&id(PUBLISHER)).unwrap().key = weak.to_owned();
            }),
        ),
        (
            "is not the one with that id",
            Box::new(|root| {
                root.keys.get_mut(&id(PUBLISHER)).unwrap().owner = "ada\nplatform".to_owned();
            }),
        ),
        ("root needs 2 keys and has 1", Box::new(|root| root.root.threshold = 2)),
        ("root needs a threshold of at least 1", Box::new(|root| root.root.threshold = 0)),
        ("withdrawals needs a threshold of at least 1", Box::new(|root| root.withdrawals.threshold = 0)),
        ("overrides needs 2 keys and has 1", Box::new(|root| root.overrides.threshold = 2)),
        ("4 reviewers must approve, but there are only 3", Box::new(|root| root.reviews.high = 4)),
        (
            "reviewers names the key",
            Box::new(|root| {
                root.reviewers.insert(id(STRANGER));
            }),
        ),
        (
            "publisher com.example needs 1 keys and has 0",
            Box::new(|root| {
                root.revoked.keys.insert(id(PUBLISHER));
            }),
        ),
        (
            "publisher com.example is there twice",
            Box::new(|root| {
                let publishers = root.publishers.as_mut().unwrap();
                publishers.push(publishers[0].clone());
            }),
        ),
        ("must say who may publish", Box::new(|root| root.publishers = None)),
        (
            "revokes the key 'ABC', which is no key's id",
            Box::new(|root| {
                root.revoked.keys.insert("ABC".to_owned());
            }),
        ),
        (
            "it has 257 keys",
            Box::new(|root| {
                for number in 0..=256u16 {
                    let known = root.keys[&id(KEEPER)].clone();
                    root.keys.insert(format!("{number}"), known);
                }
                while root.keys.len() > 257 {
                    root.keys.pop_first();
                }
            }),
        ),
    ];
    for (expected, change) in wrong {
        let mut root = platform();
        change(&mut root);
        let text = signed(&root, &[KEEPER]);
        let error = Root::first(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let text = String::from_utf8(platform().to_bytes()).unwrap();
    for (from, to) in [
        ("\"version\":1", "\"version\":1,\"only-in\":\"eu\""),
        ("\"prefix\":", "\"only-in\":\"eu\",\"prefix\":"),
        ("\"low\":", "\"highest\":3,\"low\":"),
        ("\"version\":1", "\"version\":1,\"version\":2"),
        ("\"version\":1", "\"version\":-1"),
    ] {
        assert!(text.contains(from), "{from}");
        let payload = text.replacen(from, to, 1).into_bytes();
        let envelope = Envelope::sign(PayloadType::Root, payload, &key(KEEPER)).unwrap();
        let error = Root::first(&envelope.to_json()).unwrap_err();
        assert!(matches!(error, TrustError::Unreadable(_)), "{to}: {error}");
    }
}

#[test]
fn nothing_runs_under_an_expired_root() {
    let mut first = platform();
    first.expires = Timestamp(NOW.0 + 10);
    let trust = Stored::new(&first).load().unwrap();
    let held = judged(&trust, &[PUBLISHER], &approved(), NOW).unwrap();
    assert_eq!(held.until, first.expires, "whoever asks knows when to ask again");
    let error = judged(&trust, &[PUBLISHER], &approved(), first.expires).unwrap_err().to_string();
    assert!(error.contains("nothing runs before its keepers sign version 2"), "{error}");
    let mut own = tenants();
    own.expires = NOW;
    let trust = Stored::new(&platform()).root(&own, &[TENANT_KEEPER, KEEPER]).load().unwrap();
    assert!(refused(&trust, &[PUBLISHER], &approved()).contains("the root of 'tenant:acme' expired"));
}

#[test]
fn a_handover_replaces_a_key_in_every_role_and_never_one_that_is_revoked() {
    let (old, new) = (key(REVIEWERS[0]).public(), key(STRANGER).public());
    let mut root = platform();
    root.withdrawals.keys.insert(old.keyid());
    let mut replaced = root.clone();
    assert!(replaced.replace(&old, &new));
    for keys in [&replaced.reviewers, &replaced.withdrawals.keys] {
        assert!(keys.contains(&new.keyid()) && !keys.contains(&old.keyid()));
    }
    assert_eq!(replaced.keys[&new.keyid()].owner, "reviewer 20");
    assert!(!replaced.replace(&old, &new), "it is not known any more");
    root.revoked.keys.insert(old.keyid());
    let before = root.clone();
    assert!(!root.replace(&old, &new), "a thief hands over to nobody");
    assert_eq!(root, before);
}
