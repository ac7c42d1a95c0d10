//! What is done to verdicts, floors and overrides.

use portcullis_model::{id::Digest, release::ReleaseId, time::Timestamp};
use portcullis_packages::{
    dsse::PayloadType,
    statement::{Decision, Statement, Verdict},
};
use serde_json::Value;

use crate::{
    Row, row,
    world::{
        HOUR, KEEPER, NOW, OVERRIDER, PUBLISHER, REVIEWERS, SECOND_PUBLISHER, STRANGER, TENANT_KEEPER, World, approval,
        id_of, key, manifest_of, release, signed,
    },
};

const A: u8 = REVIEWERS[0];
const B: u8 = REVIEWERS[1];
const C: u8 = REVIEWERS[2];

/// Loads with one approval, and this text beside it.
fn beside(world: &World, text: String) -> Option<String> {
    world.only(vec![world.verdict(approval(), A), text]);
    world.load()
}

fn about(id: &ReleaseId, by: u8) -> String {
    Statement::about(id, approval()).signed(&key(by)).unwrap().to_json()
}

pub const VERDICTS: &[Row] = &[
    row("none (withheld)", "0 of 2 reviewers", |world| {
        world.only(Vec::new());
        world.load()
    }),
    row("one of two withheld", "1 of 2 reviewers", |world| {
        world.only(vec![world.verdict(approval(), A)]);
        world.load()
    }),
    row("two by one reviewer", "1 of 2 reviewers", |world| {
        beside(world, world.verdict(Verdict { issued: NOW, ..approval() }, A))
    }),
    row("one with two signatures of one reviewer", "1 of 2 reviewers", |world| {
        let statement = Statement::about(&world.id(), approval());
        world.only(vec![signed(PayloadType::Statement, statement.to_bytes(), &[A, A])]);
        world.load()
    }),
    row("the publisher's own", "1 of 2 reviewers", |world| beside(world, world.verdict(approval(), PUBLISHER))),
    row("by the publisher's other key, which is a reviewer's too", "1 of 2 reviewers", |world| {
        let both = world.next(|root| {
            root.reviewers.insert(id_of(SECOND_PUBLISHER));
        });
        assert_eq!(world.put_root(&both, &[KEEPER]), None);
        beside(world, world.verdict(approval(), SECOND_PUBLISHER))
    }),
    row("a stranger's", "1 of 2 reviewers", |world| beside(world, world.verdict(approval(), STRANGER))),
    row("a keeper's of the root", "1 of 2 reviewers", |world| beside(world, world.verdict(approval(), KEEPER))),
    row("one about the older release in this one's rows", "1 of 2 reviewers", |world| {
        beside(world, about(&world.older(), B))
    }),
    row("one about another component with this manifest", "1 of 2 reviewers", |world| {
        beside(world, about(&ReleaseId { component: Digest::of(b"another"), ..world.id() }, B))
    }),
    row("one whose time is over", "it must be vetted again", |world| {
        beside(world, world.verdict(Verdict { expires: NOW, ..approval() }, B))
    }),
    row("one dated an hour ahead", "1 of 2 reviewers", |world| {
        beside(world, world.verdict(Verdict { issued: Timestamp(NOW.0 + HOUR), ..approval() }, B))
    }),
    row("a wider maximum written into one", "1 of 2 reviewers", |world| {
        let mut json: Value = serde_json::from_str(&world.verdict(approval(), B)).unwrap();
        let wider = Verdict { at_most: vec!["http:send to=evil.test".parse().unwrap()], ..approval() };
        let other: Value = serde_json::from_str(&world.verdict(wider, STRANGER)).unwrap();
        json["payload"] = other["payload"].clone();
        beside(world, json.to_string())
    }),
    row("an older approval, replayed after a rejection", "reviewer reviewer 21 decided 'reject'", |world| {
        world.say(&world.id(), world.verdict(Verdict { issued: NOW, ..self::rejection() }, B));
        world.say(&world.id(), world.verdict(Verdict { reason: "again".into(), ..approval() }, B));
        world.load()
    }),
    row("an approval of the same moment as a rejection", "decided 'reject'", |world| {
        world.say(&world.id(), world.verdict(rejection(), B));
        world.load()
    }),
    row("enough approvals beside one rejection", "decided 'reject'", |world| {
        world.say(&world.id(), world.verdict(rejection(), C));
        world.load()
    }),
    row("one of a reviewer who was removed", "1 of 2 reviewers", |world| {
        let removed = world.next(|root| {
            root.reviewers.remove(&id_of(B));
        });
        assert_eq!(world.put_root(&removed, &[KEEPER]), None);
        world.load()
    }),
    row("one by a revoked key", "1 of 2 reviewers", |world| {
        let revoked = world.next(|root| {
            root.revoked.keys.insert(id_of(B));
        });
        assert_eq!(world.put_root(&revoked, &[KEEPER]), None);
        world.load()
    }),
    row("one that allows what no capability understands", "maximum cannot be read", |world| {
        let verdict = Verdict { at_most: vec!["shell:run".parse().unwrap()], ..approval() };
        beside(world, world.verdict(verdict, B))
    }),
    row("one of a stranger, offered to the host", "no key that a root trusts with this signed it", |world| {
        world.state(&approval(), STRANGER)
    }),
    row("one about another release, offered for this one", "manifest digest mismatch", |world| {
        world.state_text(&about(&world.older(), A))
    }),
    row("one dated ahead, offered to the host", "put the clock right", |world| {
        world.state(&Verdict { issued: Timestamp(NOW.0 + HOUR), ..approval() }, A)
    }),
    row("a hundred of one reviewer, to make every load slow", "has stated 64 things", |world| {
        let one = |number: i64| Verdict { issued: Timestamp(NOW.0 - number), ..approval() };
        (1..=100).find_map(|number| world.state(&one(number), C))
    }),
];

fn rejection() -> Verdict {
    Verdict { decision: Decision::Reject, at_most: Vec::new(), reason: "leaks".into(), ..approval() }
}

/// Has a floor of 4 for the plugin, of which this is release 3.
fn floored(world: &World) {
    let floor = world.next(|root| {
        root.floors.insert("com.example.card-guard".parse().unwrap(), 4);
    });
    assert_eq!(world.put_root(&floor, &[KEEPER]), None);
}

/// Loads under the floor, with this leave to do so.
fn under(world: &World, leave: String) -> Option<String> {
    floored(world);
    world.say(&world.id(), leave);
    world.load()
}

pub const OVERRIDES: &[Row] = &[
    row("an older release than the tenant has had", "is older than 3", |world| {
        assert_eq!(world.install(|_| ()), None);
        world.install(|files| files.stored = release(&files.component, &manifest_of(2), &[PUBLISHER]))
    }),
    row("the same, with leave that the publisher signed", "is older than 3", |world| {
        assert_eq!(world.install(|_| ()), None);
        let id = world.older();
        world.install(|files| {
            files.stored = release(&files.component, &manifest_of(2), &[PUBLISHER]);
            files.statements.push(world.leave(|one| one.manifest = id.manifest, &[PUBLISHER]));
        })
    }),
    row("the same, with leave for another release", "is older than 3", |world| {
        assert_eq!(world.install(|_| ()), None);
        world.say(&world.older(), world.leave(|_| (), &[OVERRIDER]));
        world.install(|files| files.stored = release(&files.component, &manifest_of(2), &[PUBLISHER]))
    }),
    row("the same, with leave that is over", "is older than 3", |world| {
        assert_eq!(world.install(|_| ()), None);
        let id = world.older();
        world.say(&id, world.leave(|one| (one.manifest, one.expires) = (id.manifest, NOW), &[OVERRIDER]));
        world.install(|files| files.stored = release(&files.component, &manifest_of(2), &[PUBLISHER]))
    }),
    row("a release below the floor", "release 3 of com.example.card-guard is below 4", |world| {
        floored(world);
        world.load()
    }),
    row("an override whose time is over", "is below 4", |world| {
        under(world, world.leave(|one| one.expires = NOW, &[OVERRIDER]))
    }),
    row("an override dated an hour ahead", "is below 4", |world| {
        let ahead = |one: &mut portcullis_packages::trust::withdrawal::Override| {
            (one.issued, one.expires) = (Timestamp(NOW.0 + HOUR), Timestamp(NOW.0 + 2 * HOUR));
        };
        under(world, world.leave(ahead, &[OVERRIDER]))
    }),
    row("an override of another release", "is below 4", |world| {
        under(world, world.leave(|one| one.manifest = Digest::of(b"another"), &[OVERRIDER]))
    }),
    row("an override by the publisher", "is below 4", |world| under(world, world.leave(|_| (), &[PUBLISHER]))),
    row("an override by a keeper of the root", "is below 4", |world| under(world, world.leave(|_| (), &[KEEPER]))),
    row("an override by a tenant's keeper, of the platform's floor", "is below 4", |world| {
        let mut own = world.tenants();
        own.overrides = own.root.clone();
        assert_eq!(world.put_tenants(&own, &[TENANT_KEEPER, KEEPER]), None);
        under(world, world.leave(|_| (), &[TENANT_KEEPER]))
    }),
    row("an override of a stranger, offered to the host", "no key that a root trusts with this signed it", |world| {
        world.state_text(&world.leave(|_| (), &[STRANGER]))
    }),
    row("an override that gives no reason", "needs a reason", |world| {
        world.state_text(&world.leave(|one| one.reason.clear(), &[OVERRIDER]))
    }),
];
