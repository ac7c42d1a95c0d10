//! Each way in which what is trusted can end, with calls of a guest that loops under way.

use std::time::Duration;

use portcullis_e2e::{Lab, Package, run};
use portcullis_model::{
    audit::Kind,
    event::EventForm,
    id::InstallationId,
    installation::{Installation, InstallationState},
    invoke::CallEnd,
    queue::DeliveryState,
};
use portcullis_packages::{
    keys::SecretKey,
    statement::{Decision, Verdict},
    trust::{root::Needed, withdrawal::Act},
};
use serde_json::json;

use crate::{Looping, change_root, own_key, withdraw};

#[tokio::test(flavor = "multi_thread")]
async fn its_publisher_yanks_it() {
    let mut looping = Looping::new(6).await;
    withdraw(&looping.lab, |target| Act::Yank { target }, &looping.lab.key, &looping.guest).await;
    let round = looping.enforced().await;
    looping.all_ended(round, "by its publisher: the tests want it").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_publishers_key_is_revoked() {
    let mut looping = Looping::new(6).await;
    let lab = &looping.lab;
    let fresh = SecretKey::generate(lab.host.rng.as_ref()).public();
    let stolen = own_key(lab);
    change_root(lab, |root| {
        let id = root.know(&fresh, "the publisher's new key");
        for publisher in root.publishers.as_mut().unwrap() {
            publisher.role.keys.insert(id.clone());
        }
        root.revoked.keys.insert(stolen);
    })
    .await;
    let round = looping.enforced().await;
    assert_eq!(round.suspended.len(), 2, "whatever it signed: {round:?}");
    assert!(round.suspended.iter().all(|one| one.reason.contains("does not verify with any trusted key")), "{round:?}");
    assert_eq!((round.ended, round.left), (6, 0));
    for call in std::mem::take(&mut looping.calls) {
        assert!(matches!(call.await.unwrap().end, CallEnd::Ended(_)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_expires() {
    let mut looping = Looping::new(0).await;
    let lab = &looping.lab;
    let approve = async |of: &Installation, lasts: Duration| {
        let now = lab.host.clock.now();
        let at_most = vec!["events:receive types=* data=full".parse().unwrap(), "log:write".parse().unwrap()];
        let verdict = Verdict {
            decision: Decision::Approve,
            at_most,
            issued: now,
            expires: now.plus(lasts),
            report: None,
            reason: "looked at".into(),
        };
        lab.host.state(&of.release_id(), verdict, &lab.host.root_key().unwrap()).await.unwrap();
    };
    let hour = Duration::from_secs(3_600);
    approve(&looping.guest, hour).await;
    approve(&looping.neighbour, hour).await;
    change_root(lab, |root| root.reviews = Needed { low: 1, medium: 1, high: 1 }).await;
    fresh(&mut looping).await;
    looping.begin(6).await;
    // A shorter verdict takes the place of the longer one.
    let lab = &looping.lab;
    let now = lab.host.clock.now();
    let verdict = Verdict {
        decision: Decision::Approve,
        at_most: vec!["events:receive types=* data=full".parse().unwrap(), "log:write".parse().unwrap()],
        issued: now,
        expires: now.plus(Duration::from_millis(2_500)),
        report: None,
        reason: "for a moment".into(),
    };
    lab.host.state(&looping.guest.release_id(), verdict, &lab.host.root_key().unwrap()).await.unwrap();
    let held = looping.enforcer.tick().await.unwrap().unwrap();
    assert!(held.suspended.is_empty(), "it holds for now: {held:?}");
    let round = looping.enforced().await;
    looping.all_ended(round, "it must be vetted again").await;
}

/// What is called is what is stored now.
async fn fresh(looping: &mut Looping) {
    let all = looping.lab.installations().await;
    let of = |id: &InstallationId| all.iter().find(|one| one.id == *id).unwrap().clone();
    looping.guest = of(&looping.guest.id);
    looping.neighbour = of(&looping.neighbour.id);
    looping.enforcer.tick().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_expires() {
    let mut looping = Looping::new(6).await;
    let at = looping.lab.host.clock.now().plus(Duration::from_millis(2_500));
    change_root(&looping.lab, |root| root.expires = at).await;
    let round = looping.enforced().await;
    assert_eq!(round.suspended.len(), 2, "nothing runs under an expired root: {round:?}");
    assert!(round.suspended.iter().all(|one| one.reason.contains("the root of 'platform' expired")), "{round:?}");
    assert_eq!((round.ended, round.left), (6, 0));
    for call in std::mem::take(&mut looping.calls) {
        assert!(matches!(call.await.unwrap().end, CallEnd::Ended(_)));
    }
}

/// A host that did not run while something was withdrawn suspends it before it calls anything; its events wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_down_suspends_at_its_start() {
    let lab = Lab::new().await;
    lab.source("zen", EventForm::Zendesk).await;
    let guest = lab.install(&Package::guest("uses_log", &["log:write"], "")).await;
    let neighbour = lab.install(&Package::guest("echo", &[], "")).await;
    withdraw(&lab, |target| Act::Quarantine { target }, &lab.host.root_key().unwrap(), &guest).await;
    let running = lab.run().await;
    assert_eq!(lab.send_created(&running, "zen", "1005", "e1").await.status, 202);
    let rows = lab.settled(1).await;
    let row = |of: &Installation| rows.iter().find(|row| row.installation == of.id).unwrap();
    assert_eq!(row(&neighbour).state, DeliveryState::Done);
    assert_eq!((row(&guest).state, row(&guest).attempts), (DeliveryState::Pending, 0), "its event waits");
    let now = lab.installations().await;
    let InstallationState::Suspended { reason, .. } = &now[0].state else { panic!("{now:?}") };
    assert!(reason.contains("withdrawn"), "{reason}");
    let refused = run(lab.host.home.dir(), &["plugin", "resume", guest.id.as_str()]).await;
    assert_eq!(refused.code, 3, "what is withdrawn is not resumed: {refused:?}");
    assert!(refused.stderr.contains("withdrawn"), "{refused:?}");
    running.stop().await;
    assert_eq!(lab.entries_of(Kind::DeliveryDead).await.len(), 0);
}

/// Statements are checked when a plugin is made ready, and never for a call: with all of them gone, what is ready goes on.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_verified_on_the_way_of_a_call() {
    let lab = Lab::new().await;
    let guest = lab.install(&Package::guest("echo", &[], "")).await;
    assert_eq!(lab.call(&guest, json!({})).await.end, CallEnd::Ok);
    let database = lab.database();
    database.execute_batch("DELETE FROM statements; DELETE FROM releases; DELETE FROM trust_roots;").unwrap();
    for _ in 0..10 {
        assert_eq!(lab.call(&guest, json!({})).await.end, CallEnd::Ok, "of this generation it was verified once");
    }
    let next = Installation { generation: guest.generation + 1, ..guest };
    let end = lab.call(&next, json!({})).await.end;
    assert!(matches!(end, CallEnd::Untrusted(_)), "the next generation is verified anew: {end:?}");
}

/// What the store cannot give is not judged, and not suspended for it; everything else is.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_store_cannot_read_keeps_no_other_from_being_judged() {
    let mut looping = Looping::new(6).await;
    let lab = &looping.lab;
    let damage = "UPDATE releases SET manifest = CAST(x'ff' AS TEXT) WHERE digest = ?1";
    assert_eq!(lab.database().execute(damage, [looping.neighbour.release.to_string()]).unwrap(), 1);
    withdraw(lab, |target| Act::Quarantine { target }, &lab.host.root_key().unwrap(), &looping.guest).await;
    assert!(looping.enforcer.tick().await.is_err(), "it says that something could not be judged");
    for call in std::mem::take(&mut looping.calls) {
        assert!(matches!(call.await.unwrap().end, CallEnd::Ended(_)));
    }
    for one in looping.lab.installations().await {
        let suspended = matches!(one.state, InstallationState::Suspended { .. });
        assert_eq!(suspended, one.id == looping.guest.id, "{one:?}");
    }
    assert_eq!(looping.lab.runtime.live(&looping.guest.id), 0);
}
