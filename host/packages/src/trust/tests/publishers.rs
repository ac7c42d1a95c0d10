//! Who publishes what.

use super::*;
use crate::trust::root::{Publisher, Role};

fn publisher(root: &mut Root, prefix: &str, number: u8) -> Publisher {
    let id = root.know(&key(number).public(), prefix);
    Publisher { prefix: prefix.parse().unwrap(), role: Role { keys: [id].into(), threshold: 1 } }
}

fn with(prefixes: &[(&str, u8)]) -> Trust {
    let mut root = platform();
    root.publishers =
        Some(prefixes.iter().map(|(prefix, number)| publisher(&mut root.clone(), prefix, *number)).collect());
    for (prefix, number) in prefixes {
        root.know(&key(*number).public(), prefix);
    }
    Stored::new(&root).load().unwrap()
}

#[test]
fn the_longest_prefix_up_to_a_dot() {
    // The plugin is com.example.card-guard.
    let none = with(&[("com.example.card", PUBLISHER), ("com.exam", PUBLISHER), ("com.example.card-guard", PUBLISHER)]);
    assert!(refused(&none, &[PUBLISHER], &approved()).contains("lets nobody publish 'com.example.card-guard'"));
    let mut root = platform();
    let (short, long) =
        (publisher(&mut root, "com.example", PUBLISHER), publisher(&mut root, "org.example", OTHER_PUBLISHER));
    root.publishers = Some(vec![long, short]);
    let trust = Stored::new(&root).load().unwrap();
    assert!(judged(&trust, &[PUBLISHER], &approved(), NOW).is_ok());
    let error = refused(&trust, &[OTHER_PUBLISHER], &approved());
    assert!(error.contains("does not verify with any trusted key of publisher com.example"), "{error}");
}

#[test]
fn whoever_has_a_shorter_prefix_does_not_publish_below_a_longer_one() {
    let plugin: portcullis_model::id::PluginId = "com.example.team.tool".parse().unwrap();
    let mut root = platform();
    let (all, team) =
        (publisher(&mut root, "com.example", PUBLISHER), publisher(&mut root, "com.example.team", OTHER_PUBLISHER));
    for order in [vec![all.clone(), team.clone()], vec![team.clone(), all]] {
        root.publishers = Some(order);
        assert_eq!(root.publisher(&plugin), Some(&team));
    }
    assert!(
        team.speaks_for(&"com.example.team".parse().unwrap())
            && team.speaks_for(&"com.example.team.a".parse().unwrap())
    );
    assert!(!team.speaks_for(&"com.example".parse().unwrap()), "nobody goes by the name of whoever is above");
    assert!(!team.speaks_for(&"com.example.teams".parse().unwrap()));
}

#[test]
fn a_threshold_of_publishers_takes_different_keys() {
    let mut root = platform();
    let id = root.know(&key(OTHER_PUBLISHER).public(), "a second publisher");
    let role = &mut root.publishers.as_mut().unwrap()[0].role;
    role.keys.insert(id);
    role.threshold = 2;
    let trust = Stored::new(&root).load().unwrap();
    assert!(refused(&trust, &[PUBLISHER], &approved()).contains("1 of 2 needed keys of publisher com.example"));
    assert!(refused(&trust, &[PUBLISHER, PUBLISHER], &approved()).contains("two signatures by one key count once"));
    assert!(judged(&trust, &[PUBLISHER, OTHER_PUBLISHER], &approved(), NOW).is_ok());
}

#[test]
fn a_tenants_publishers_hold_beside_the_platforms() {
    let mut own = tenants();
    own.publishers = Some(Vec::new());
    let trust = |own: &Root| Stored::new(&platform()).root(own, &[TENANT_KEEPER, KEEPER]).load().unwrap();
    assert!(refused(&trust(&own), &[PUBLISHER], &approved()).contains("the root of 'tenant:acme' lets nobody publish"));
    let theirs = publisher(&mut own, "com.example", OTHER_PUBLISHER);
    own.publishers = Some(vec![theirs]);
    assert!(
        refused(&trust(&own), &[OTHER_PUBLISHER], &approved()).contains("publisher com.example"),
        "the platform's too"
    );
    assert!(judged(&trust(&own), &[PUBLISHER, OTHER_PUBLISHER], &approved(), NOW).is_ok());
    own.publishers = None;
    assert!(judged(&trust(&own), &[PUBLISHER], &approved(), NOW).is_ok());
}

#[test]
fn revoked_keys_and_digests() {
    let first = platform();
    let mut second = next(&first, |root| {
        let id = root.know(&key(OTHER_PUBLISHER).public(), "their new key");
        root.publishers.as_mut().unwrap()[0].role.keys.insert(id);
        root.revoked.keys.insert(key(PUBLISHER).public().keyid());
    });
    let trust = |second: &Root| Stored::new(&first).root(second, &[KEEPER]).load().unwrap();
    assert!(refused(&trust(&second), &[PUBLISHER], &approved()).contains("does not verify with any trusted key"));
    assert!(judged(&trust(&second), &[OTHER_PUBLISHER], &approved(), NOW).is_ok());
    for (digest, what) in [(release().component, "component"), (release().manifest, "manifest")] {
        second.revoked.digests = [digest].into();
        let error = refused(&trust(&second), &[OTHER_PUBLISHER], &approved());
        assert!(error.contains(&format!("{what} {digest} is revoked by the root of 'platform'")), "{error}");
    }
}
