//! Looking again.

use portcullis_model::{
    audit::{Actor, Kind},
    id::Digest,
    release::ReleaseId,
    review::{Severity, Vulnerability},
    time::Timestamp,
    trust::RootScope,
};

use super::world::World;
use crate::{
    review::rescan::{Scan, Scanned, reason_for_quarantine, target},
    testing::component,
    trust::{
        By,
        withdrawal::{Act, Withdrawal},
    },
};

fn one(advisory: &str, severity: Severity) -> Vulnerability {
    Vulnerability {
        advisory: advisory.into(),
        dependency: "time".into(),
        version: "0.1.0".into(),
        severity,
        summary: "a\u{202e}b".into(),
        fixed: None,
        certain: true,
    }
}

async fn scan(world: &World, found: &[Vulnerability]) -> Scanned {
    looked(world, found, false).await
}

async fn looked(world: &World, found: &[Vulnerability], trial: bool) -> Scanned {
    let releases = [world.files.stored.id()];
    let (registry, reviews, clock) = (&world.registry, &world.rows, &world.clock);
    let scan = Scan { registry, reviews, clock, actor: Actor::Host, trial };
    let (mut scanned, unread) = scan
        .run(&releases, |bytes| {
            assert_eq!(bytes, component());
            Ok(found.to_vec())
        })
        .await
        .unwrap();
    assert!(unread.is_empty(), "{unread:?}");
    scanned.remove(0)
}

#[tokio::test]
async fn what_changes_is_recorded_and_what_does_not_is_not() {
    let world = World::needing(0);
    world.desk().submit(&world.files).await.unwrap();
    let count = || world.rows.kinds().iter().filter(|kind| **kind == Kind::ReleaseVulnerable).count();
    assert!(scan(&world, &[]).await.found.is_empty());
    assert_eq!(count(), 0, "nothing was found and nothing was before");
    let (low, high) = (one("A-1", Severity::Low), one("A-2", Severity::High));
    let tried = looked(&world, &[low.clone(), high.clone()], true).await;
    assert_eq!((tried.new.len(), count()), (2, 0), "a rehearsal keeps nothing");
    let both = scan(&world, &[low.clone(), high.clone(), low.clone()]).await;
    assert_eq!(
        both.found.iter().map(|one| one.advisory.as_str()).collect::<Vec<_>>(),
        ["A-2", "A-1"],
        "the worst first"
    );
    assert_eq!((both.new.len(), both.gone.len(), count()), (2, 0, 1));
    assert_eq!(both.found[0].summary, "a\\u{202e}b");
    let again = scan(&world, &[high.clone(), low]).await;
    assert_eq!((again.new.len(), again.gone.len(), count()), (0, 0, 1));
    let less = scan(&world, &[high]).await;
    assert_eq!((less.new.len(), less.gone.len(), count()), (0, 1, 2));
}

#[tokio::test]
async fn a_release_that_cannot_be_read_keeps_no_other_from_it() {
    let world = World::needing(0);
    world.desk().submit(&world.files).await.unwrap();
    let good = world.files.stored.id();
    let none = ReleaseId { component: Digest::of(b"none"), ..good };
    let clock = &world.clock;
    let scan = Scan { registry: &world.registry, reviews: &world.rows, clock, actor: Actor::Host, trial: false };
    let found = [one("A-1", Severity::Low)];
    let (scanned, unread) = scan.run(&[none, good], |_| Ok(found.to_vec())).await.unwrap();
    assert_eq!((scanned.len(), unread.len()), (1, 1));
    let (scanned, unread) = scan.run(&[good], |_| Err("no component".into())).await.unwrap();
    assert_eq!((scanned.len(), unread[0].reason.as_str()), (0, "no component"));
    world.memory.releases.lock().unwrap().get_mut(&good).unwrap().1 = b"other".to_vec().into();
    let (_, unread) = scan.run(&[good], |_| panic!("these are not its bytes")).await.unwrap();
    assert!(unread[0].reason.contains("component digest mismatch"), "{unread:?}");
}

#[tokio::test]
async fn a_policy_quarantines_once_for_each_advisory() {
    let world = World::needing(0);
    world.desk().submit(&world.files).await.unwrap();
    let scanned =
        scan(&world, &[one("A-1", Severity::High), one("A-10", Severity::Critical), one("B", Severity::Unknown)]).await;
    let reason = |from, signed: &[(Withdrawal, By)]| reason_for_quarantine(&scanned, from, signed);
    assert_eq!(reason(Severity::Critical, &[]).as_deref(), Some("known vulnerabilities: A-10"));
    assert_eq!(reason(Severity::High, &[]).as_deref(), Some("known vulnerabilities: A-10, A-1"));
    assert_eq!(reason(Severity::Unknown, &[]).as_deref(), Some("known vulnerabilities: A-10, A-1, B"));
    let platform = By::Root(RootScope::Platform);
    let signed = |reason: &str, digest: Digest, by: &By| {
        let mut target = target(&scanned).unwrap();
        if let crate::trust::withdrawal::Target::Component { digest: of, .. } = &mut target {
            *of = digest;
        }
        let what = Act::Quarantine { target };
        (Withdrawal { what, reason: reason.into(), issued: Timestamp(0) }, by.clone())
    };
    let before = [signed("known vulnerabilities: A-10", scanned.release.component, &platform)];
    assert_eq!(reason(Severity::Critical, &before), None, "whoever lifted that knows of it");
    assert_eq!(reason(Severity::High, &before).as_deref(), Some("known vulnerabilities: A-1"), "A-10 is not A-1");
    let unsure = Vulnerability { certain: false, ..one("C", Severity::Critical) };
    let unsure = scan(&world, &[unsure]).await;
    assert_eq!(reason_for_quarantine(&unsure, Severity::Unknown, &[]), None, "nothing is stopped on a guess");
    let other = [signed("known vulnerabilities: A-10", Digest::of(b"other"), &platform)];
    assert!(reason(Severity::Critical, &other).is_some(), "another component's");
    let tenant = By::Root(RootScope::Tenant("acme".parse().unwrap()));
    let theirs = [signed("known vulnerabilities: A-10", scanned.release.component, &tenant)];
    assert!(reason(Severity::Critical, &theirs).is_some(), "what a tenant quarantined at home");
}
