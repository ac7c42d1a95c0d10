//! What is done to withdrawals, and what they stop.

use portcullis_model::id::Digest;
use portcullis_packages::trust::withdrawal::{Act, Target, Withdrawal};

use crate::{
    Row, row,
    world::{
        KEEPER, NOW, OTHER_PUBLISHER, PUBLISHER, REVIEWERS, STRANGER, TENANT_KEEPER, WITHDRAWERS, World, id_of, key,
    },
};

fn releases(from: u64, to: Option<u64>) -> Target {
    Target::Releases { plugin: "com.example.card-guard".parse().unwrap(), from, to }
}

fn withdrawal(what: Act) -> Withdrawal {
    Withdrawal { what, reason: "leaks subjects".to_owned(), issued: NOW }
}

/// Of all releases of the plugin.
pub fn quarantine() -> Withdrawal {
    withdrawal(Act::Quarantine { target: releases(0, None) })
}

fn yank() -> Withdrawal {
    withdrawal(Act::Yank { target: releases(3, Some(3)) })
}

fn lift(of: &Withdrawal) -> Withdrawal {
    let of = Digest::of(of.signed(&key(1)).unwrap().unverified());
    withdrawal(Act::Lift { of })
}

/// Puts it in force, and this beside it.
fn after(world: &World, first: &Withdrawal, by: &[u8], then: &Withdrawal, keys: &[u8]) -> Option<String> {
    assert_eq!(world.withdraw(first, by), None);
    world.withdraw(then, keys).or_else(|| world.load())
}

pub const WITHDRAWALS: &[Row] = &[
    row(
        "a release that its publisher yanked",
        "withdrawn (com.example.card-guard, release 3), by its publisher",
        |world| {
            assert_eq!(world.withdraw(&yank(), &[PUBLISHER]), None);
            world.load()
        },
    ),
    row("a release that was quarantined", "by 'platform': leaks subjects", |world| {
        assert_eq!(world.withdraw(&quarantine(), &WITHDRAWERS), None);
        world.load()
    }),
    row("its component, quarantined, under another manifest", "with the component", |world| {
        let plugin = "com.example.card-guard".parse().unwrap();
        let target = Target::Component { plugin, digest: world.stored.digest };
        assert_eq!(world.withdraw(&withdrawal(Act::Quarantine { target }), &WITHDRAWERS), None);
        world.load_of(&world.older())
    }),
    row("whatever a stolen key signed", "whatever the key", |world| {
        let target = Target::PublisherKey { key: id_of(PUBLISHER) };
        assert_eq!(world.withdraw(&withdrawal(Act::Quarantine { target }), &WITHDRAWERS), None);
        world.load()
    }),
    row("a withdrawn release, installed anew", "withdrawn", |world| {
        assert_eq!(world.withdraw(&yank(), &[PUBLISHER]), None);
        world.install(|_| ())
    }),
    row("a yank by another publisher", "a yank is signed by a key of the plugin's publisher", |world| {
        world.withdraw(&yank(), &[OTHER_PUBLISHER])
    }),
    row("a yank by a reviewer", "a yank is signed by a key of the plugin's publisher", |world| {
        world.withdraw(&yank(), &[REVIEWERS[0]])
    }),
    row("a yank by somebody who may quarantine", "a yank is signed by a key of the plugin's publisher", |world| {
        world.withdraw(&yank(), &WITHDRAWERS)
    }),
    row("a quarantine by one of two", "as many keys of a root's role 'withdrawals'", |world| {
        world.withdraw(&quarantine(), &WITHDRAWERS[..1])
    }),
    row("a quarantine twice by one of two", "as many keys of a root's role 'withdrawals'", |world| {
        world.withdraw(&quarantine(), &[WITHDRAWERS[0], WITHDRAWERS[0]])
    }),
    row("a quarantine by a keeper of the root", "as many keys of a root's role 'withdrawals'", |world| {
        world.withdraw(&quarantine(), &[KEEPER])
    }),
    row("a quarantine by a competitor of the publisher", "as many keys of a root's role 'withdrawals'", |world| {
        world.withdraw(&quarantine(), &[OTHER_PUBLISHER])
    }),
    row("a quarantine lifted by the publisher", "as many keys of a root's role 'withdrawals'", |world| {
        after(world, &quarantine(), &WITHDRAWERS, &lift(&quarantine()), &[PUBLISHER])
    }),
    row("a quarantine lifted by one of two", "as many keys of a root's role 'withdrawals'", |world| {
        after(world, &quarantine(), &WITHDRAWERS, &lift(&quarantine()), &WITHDRAWERS[..1])
    }),
    row("a quarantine and the lift of another one", "withdrawn", |world| {
        after(world, &quarantine(), &WITHDRAWERS, &lift(&yank()), &WITHDRAWERS)
    }),
    row("a yank, lifted by those who may lift quarantines", "withdrawn", |world| {
        after(world, &yank(), &[PUBLISHER], &lift(&yank()), &WITHDRAWERS)
    }),
    row("a quarantine of the platform, lifted by a tenant", "withdrawn", |world| {
        let mut own = world.tenants();
        own.withdrawals = own.root.clone();
        assert_eq!(world.put_tenants(&own, &[TENANT_KEEPER, KEEPER]), None);
        after(world, &quarantine(), &WITHDRAWERS, &lift(&quarantine()), &[TENANT_KEEPER])
    }),
    row("a quarantine whose signers were replaced since", "withdrawn", |world| {
        assert_eq!(world.withdraw(&quarantine(), &WITHDRAWERS), None);
        let next = world.next(|root| {
            let id = root.know(&key(32).public(), "another");
            root.withdrawals.keys = [id].into();
            root.withdrawals.threshold = 1;
        });
        assert_eq!(world.put_root(&next, &[KEEPER]), None);
        world.load()
    }),
    row("its lift by those who were replaced", "as many keys of a root's role 'withdrawals'", |world| {
        assert_eq!(world.withdraw(&quarantine(), &WITHDRAWERS), None);
        let next = world.next(|root| {
            let id = root.know(&key(32).public(), "another");
            root.withdrawals.keys = [id].into();
            root.withdrawals.threshold = 1;
        });
        assert_eq!(world.put_root(&next, &[KEEPER]), None);
        world.withdraw(&lift(&quarantine()), &WITHDRAWERS)
    }),
    row("one that covers no release", "there are no releases from 5 to 3", |world| {
        world.withdraw(&withdrawal(Act::Quarantine { target: releases(5, Some(3)) }), &WITHDRAWERS)
    }),
    row("one of a key that is no key's id", "is no key's id", |world| {
        let target = Target::PublisherKey { key: key(PUBLISHER).public().to_string() };
        world.withdraw(&withdrawal(Act::Quarantine { target }), &WITHDRAWERS)
    }),
    row("a reason that writes a second line into the log", "a reason of one line", |world| {
        world.withdraw(&Withdrawal { reason: "ok\nrelease.reinstated".into(), ..quarantine() }, &WITHDRAWERS)
    }),
    row("one that a stranger signed", "as many keys of a root's role 'withdrawals'", |world| {
        world.withdraw(&quarantine(), &[STRANGER])
    }),
];
