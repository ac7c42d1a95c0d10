//! What is done to roots of trust.

use portcullis_model::{
    id::{Digest, TenantId},
    time::Timestamp,
    trust::RootScope,
};
use portcullis_packages::{dsse::PayloadType, trust::root::Root};

use crate::{
    Row, row, testing,
    world::{HOUR, KEEPER, NOW, PUBLISHER, SECOND_KEEPER, STRANGER, TENANT_KEEPER, World, id_of, key, signed},
};

/// The next root: two keepers, who both must sign.
fn two(world: &World) -> Root {
    world.next(|root| {
        let id = root.know(&key(SECOND_KEEPER).public(), "a second keeper");
        root.root.keys.insert(id);
        root.root.threshold = 2;
    })
}

/// Offers the next root with this change, signed by its keeper.
fn next(world: &World, change: impl FnOnce(&mut Root)) -> Option<String> {
    world.put_root(&world.next(change), &[KEEPER])
}

/// Offers a root of these bytes.
fn text(world: &World, from: &str, to: &str) -> Option<String> {
    let payload = String::from_utf8(world.next(|_| ()).to_bytes()).unwrap();
    assert!(payload.contains(from), "{from}");
    world.offer(&signed(PayloadType::Root, payload.replacen(from, to, 1).into_bytes(), &[KEEPER]))
}

pub const ROOTS: &[Row] = &[
    row("a next version that a stranger signed", "root keys of version 1", |world| {
        world.put_root(&world.next(|_| ()), &[STRANGER])
    }),
    row("one without the threshold of the version before", "root keys of version 1", |world| {
        world.put_root(&two(world), &[SECOND_KEEPER])
    }),
    row("one without its own threshold", "1 of 2 needed keys of the root keys of version 2", |world| {
        world.put_root(&two(world), &[KEEPER])
    }),
    row("a threshold met twice by one key", "two signatures by one key count once", |world| {
        world.put_root(&two(world), &[KEEPER, KEEPER])
    }),
    row("a version left out", "this root is version 3; the next one must be version 2", |world| {
        next(world, |root| root.version = 3)
    }),
    row("the version that there is, once more", "this root is version 1; the next one must be version 2", |world| {
        world.put_root(&world.root, &[KEEPER])
    }),
    row("an older version in the row of a newer one (replay)", "the next one must be version 2", |world| {
        world.force_root(&world.root, &[KEEPER]);
        world.load()
    }),
    row("a row that a stranger signed, past every check", "root keys of version 1", |world| {
        world.force_root(
            &world.next(|root| {
                root.revoked.keys.insert(id_of(STRANGER));
            }),
            &[STRANGER],
        );
        world.load()
    }),
    row("a byte of a stored root flipped", "the signed document cannot be read", |world| {
        let mut trust = world.memory.trust.lock().unwrap();
        let text = trust.roots[0].1.replacen("eyJ", "eyK", 1);
        assert_ne!(text, trust.roots[0].1);
        trust.roots[0].1 = text;
        trust.revision += 1;
        drop(trust);
        world.load()
    }),
    row("no root at all", "there is no root of the platform in the store", |world| {
        world.memory.trust.lock().unwrap().roots.clear();
        world.reloaded()
    }),
    row("another first root, whole and signed", "but this host was set up with", |world| {
        let foreign = testing::root(&key(STRANGER), &[key(STRANGER).public()]);
        let mut trust = world.memory.trust.lock().unwrap();
        trust.roots = vec![(RootScope::Platform, signed(PayloadType::Root, foreign.to_bytes(), &[STRANGER]))];
        trust.revision += 1;
        drop(trust);
        world.load()
    }),
    row("another first root, offered to a host that has none yet", "but this host was set up with", |world| {
        *world.memory.trust.lock().unwrap() = portcullis_model::trust::StoredTrust::default();
        world.put_root(&testing::root(&key(STRANGER), &[key(STRANGER).public()]), &[STRANGER])
    }),
    row("one that has expired already", "sign one that expires later", |world| next(world, |root| root.expires = NOW)),
    row("one in force whose time is over (freeze)", "nothing runs before its keepers sign version 3", |world| {
        world.force_root(&world.next(|root| root.expires = NOW), &[KEEPER]);
        world.load()
    }),
    row("one for somebody else", "speaks for", |world| {
        world.force_root(&world.tenants(), &[TENANT_KEEPER, KEEPER]);
        world.memory.trust.lock().unwrap().roots[1].0 = RootScope::Platform;
        world.reloaded()
    }),
    row("the next of a keeper whose key is revoked", "root keys of version 2", |world| {
        let revoked = world.next(|root| {
            let id = root.know(&key(SECOND_KEEPER).public(), "a second keeper");
            root.root.keys.insert(id);
            root.revoked.keys.insert(id_of(KEEPER));
        });
        assert_eq!(world.put_root(&revoked, &[KEEPER, SECOND_KEEPER]), None);
        let mut third = revoked;
        third.version += 1;
        world.put_root(&third, &[KEEPER])
    }),
    row("a key under another key's id", "is not the one with that id", |world| {
        next(world, |root| {
            let known = root.keys[&id_of(KEEPER)].clone();
            root.keys.insert(id_of(PUBLISHER), known);
        })
    }),
    row("a key for which anybody can sign", "is not the one with that id", |world| {
        next(world, |root| {
            let weak = "portcullis-key-v1:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
            root.keys.get_mut(&id_of(PUBLISHER)).unwrap().key = weak.to_owned();
        })
    }),
    row("an owner that turns the line around", "is not the one with that id", |world| {
        next(world, |root| root.keys.get_mut(&id_of(PUBLISHER)).unwrap().owner = "ada\u{202e}".to_owned())
    }),
    row("a threshold of none", "root needs a threshold of at least 1", |world| {
        next(world, |root| root.root.threshold = 0)
    }),
    row("a threshold that nobody can meet", "nobody could act", |world| {
        next(world, |root| root.withdrawals.threshold = 3)
    }),
    row("more reviews than there are reviewers", "there are only 3", |world| next(world, |root| root.reviews.high = 4)),
    row("one prefix for two publishers", "is there twice", |world| {
        next(world, |root| {
            let publishers = root.publishers.as_mut().unwrap();
            publishers.push(publishers[0].clone());
        })
    }),
    row("a reviewer whom it does not know", "which is not among its keys", |world| {
        next(world, |root| {
            root.reviewers.insert(id_of(STRANGER));
        })
    }),
    row("a revocation that means no key", "which is no key's id", |world| {
        next(world, |root| {
            root.revoked.keys.insert(key(STRANGER).public().to_string());
        })
    }),
    row("a member that this host does not understand", "unknown field", |world| {
        text(world, "\"version\":", "\"only-in\":\"eu\",\"version\":")
    }),
    row("one of a publisher's entry", "unknown field", |world| {
        text(world, "\"prefix\":", "\"only-in\":\"eu\",\"prefix\":")
    }),
    row("its version twice", "duplicate field", |world| text(world, "\"version\":2", "\"version\":1,\"version\":2")),
    row("a component that it revokes", "is revoked by the root of 'platform'", |world| {
        assert_eq!(
            next(world, |root| {
                root.revoked.digests.insert(world.stored.digest);
            }),
            None
        );
        world.load()
    }),
    row("a manifest that it revokes, with another component", "is revoked by the root of 'platform'", |world| {
        let manifest = Digest::of(world.stored.manifest.as_bytes());
        assert_eq!(
            next(world, |root| {
                root.revoked.digests.insert(manifest);
            }),
            None
        );
        world.load()
    }),
];

pub const TENANTS: &[Row] = &[
    row("a first one without the platform's keepers", "signed by the platform's root keys too", |world| {
        world.put_tenants(&world.tenants(), &[TENANT_KEEPER])
    }),
    row("a first one that its own keeper did not sign", "root keys of version 1 of 'tenant:acme'", |world| {
        world.put_tenants(&world.tenants(), &[KEEPER])
    }),
    row("a next one by the platform's keeper alone", "root keys of version 1 of 'tenant:acme'", |world| {
        let first = world.tenants();
        assert_eq!(world.put_tenants(&first, &[TENANT_KEEPER, KEEPER]), None);
        let mut second = first;
        second.version += 1;
        world.put_tenants(&second, &[KEEPER])
    }),
    row("a root of the platform by a tenant's keeper", "root keys of version 1 of 'platform'", |world| {
        assert_eq!(world.put_tenants(&world.tenants(), &[TENANT_KEEPER, KEEPER]), None);
        world.put_root(&world.next(|_| ()), &[TENANT_KEEPER])
    }),
    row("one tenant's root in the rows of another", "speaks for 'tenant:acme', not for 'tenant:other'", |world| {
        world.force_root(&world.tenants(), &[TENANT_KEEPER, KEEPER]);
        let other: TenantId = "other".parse().unwrap();
        world.memory.trust.lock().unwrap().roots[1].0 = RootScope::Tenant(other);
        world.reloaded()
    }),
    row("a tenant's that is over", "the root of 'tenant:acme' expired", |world| {
        let mut own = world.tenants();
        own.expires = NOW;
        world.force_root(&own, &[TENANT_KEEPER, KEEPER]);
        world.load()
    }),
    row("a tenant's that asks for reviewers of its own", "that 'tenant:acme' asks for", |world| {
        let mut own = world.tenants();
        own.reviewers = own.root.keys.clone();
        own.reviews.high = 1;
        own.expires = Timestamp(NOW.0 + HOUR);
        assert_eq!(world.put_tenants(&own, &[TENANT_KEEPER, KEEPER]), None);
        world.load()
    }),
    row("the platform's reviewer as the tenant's", "that 'tenant:acme' asks for", |world| {
        let mut own = world.tenants();
        own.reviewers = own.root.keys.clone();
        own.reviews.high = 1;
        assert_eq!(world.put_tenants(&own, &[TENANT_KEEPER, KEEPER]), None);
        world.say(&world.id(), world.verdict(crate::world::approval(), 22));
        world.load()
    }),
];
