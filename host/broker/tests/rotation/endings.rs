//! Connections that are ended: revoked where they were issued, also where the process dies in between or the provider is away.

use std::sync::atomic::Ordering;

use portcullis_broker::{
    issue::Revoked,
    rotation::{Credentials as _, Endings, Fate, StepError},
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::Standing,
    ending::EndingStore as _,
    erasure::ErasureStore as _,
    installation::{Installation, InstallationState, InstallationStore as _},
    rotation::Item,
    secret::SecretStore as _,
    time::{Clock as _, Timestamp},
};

use crate::{
    fake::{LASTING, STATIC},
    issuing::{Stage, name, text},
};

fn endings(stage: &Stage) -> Endings {
    Endings { store: stage.store.clone(), upstreams: stage.keeper.clone() }
}

fn entry(kind: Kind, at: i64) -> Entry {
    Entry::new(Timestamp(at), kind, Actor::Host, None)
}

/// What the log says of ends at providers.
async fn said(stage: &Stage) -> Vec<String> {
    let all = stage.store.entries(0, 1_000).await.unwrap();
    let all = all.iter().map(|one| serde_json::from_slice::<Entry>(&one.body).unwrap());
    let ended = all.filter(|one| one.kind == Kind::ConnectionEnded);
    ended.filter_map(|one| one.detail.get("upstream").map(|text| text.as_str().unwrap().to_owned())).collect()
}

async fn installed(stage: &Stage) -> Installation {
    let digest = portcullis_model::id::Digest::of(b"x");
    let row = format!(
        r#"{{"id":"ins_1","tenant":"acme","plugin":"com.example.chat","release":"{digest}","manifest":"{digest}",
        "version":"1.0.0","state":"active","granted":[],"limits":{{}},"generation":1}}"#
    );
    let installation: Installation = serde_json::from_str(&row).unwrap();
    assert!(stage.store.put_installation(installation.clone(), None, entry(Kind::PluginInstalled, 0)).await.unwrap());
    installation
}

async fn uninstall(stage: &Stage, one: &Installation) {
    let state =
        InstallationState::Uninstalled { since: Timestamp(1), purge_at: Timestamp(2), reason: "x".into(), held: None };
    let gone = Installation { state, generation: one.generation + 1, ..one.clone() };
    let at = stage.clock.now().0;
    let stopped = stage.store.uninstall(gone, one.generation, entry(Kind::PluginUninstalled, at)).await.unwrap();
    assert_eq!(stopped.unwrap().secrets, 1);
}

#[tokio::test]
async fn what_an_uninstalled_plugin_had_is_revoked_by_whoever_comes_next() {
    let stage = Stage::new(LASTING);
    let one = installed(&stage).await;
    stage.consented(1, Some(3_600)).await;
    uninstall(&stage, &one).await;
    // The process died here: nothing is used any more, and nothing is lost.
    assert!(matches!(stage.standing().await, (1, Standing::Revoked { .. })));
    stage.connections.refresh().await.unwrap();
    assert!(stage.connections.of(&name().tenant, &name().installation).unwrap().connections().is_empty());
    let next = stage.store.endings().await.unwrap().remove(0).next;
    assert_eq!(next, Timestamp(60_000), "whoever uninstalls has a minute");
    assert_eq!(stage.store.forget_retired(Timestamp(i64::MAX)).await.unwrap(), 0);

    let settled = endings(&stage).settle(|_| true, false).await.unwrap();
    assert_eq!(settled.iter().map(|(_, fate)| fate).collect::<Vec<_>>(), [&Fate::Revoked]);
    assert_eq!(stage.provider.revoked(), text(&[&["refresh-given-1", "access-given-1"]]));
    assert_eq!(said(&stage).await, ["confirmed"]);
    assert!(stage.store.vault().await.unwrap().slots.is_empty(), "only now it is deleted");
    assert!(endings(&stage).settle(|_| true, false).await.unwrap().is_empty(), "once");
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_again_for_a_day() {
    let stage = Stage::new(LASTING);
    let one = installed(&stage).await;
    stage.consented(1, None).await;
    uninstall(&stage, &one).await;
    stage.provider.away(true);
    let mut tries = Vec::new();
    for minute in 0..=26 * 60 {
        let now = Timestamp(minute * 60_000);
        stage.clock.0.store(now.0, Ordering::Relaxed);
        for (_, fate) in endings(&stage).settle(|one| one.next <= now, false).await.unwrap() {
            tries.push((minute, matches!(fate, Fate::Later(_))));
        }
        assert_eq!(stage.store.vault().await.unwrap().slots.is_empty(), !tries.last().is_none_or(|(_, later)| *later));
    }
    assert_eq!(tries.iter().take(5).map(|(minute, _)| *minute).collect::<Vec<_>>(), [1, 2, 4, 8, 16]);
    let last = tries.last().unwrap();
    assert!(!last.1 && (24 * 60..25 * 60).contains(&last.0), "{last:?}");
    assert!(said(&stage).await[0].starts_with("failed: the issuer cannot be asked"), "{:?}", said(&stage).await);
}

#[tokio::test]
async fn where_nothing_is_left_for_later_it_is_said_what_lives_on() {
    let stage = Stage::new(LASTING);
    let one = installed(&stage).await;
    stage.consented(1, None).await;
    uninstall(&stage, &one).await;
    stage.provider.away(true);
    let settled = endings(&stage).settle(|_| true, true).await.unwrap();
    assert!(matches!(&settled[0].1, Fate::Failed(why) if why.contains("no route")), "{settled:?}");
    assert!(stage.store.endings().await.unwrap().is_empty() && said(&stage).await.len() == 1);
}

#[tokio::test]
async fn what_no_provider_revokes_is_said_and_nobody_is_asked() {
    let stage = Stage::new(STATIC);
    let one = installed(&stage).await;
    stage.consented(1, None).await;
    uninstall(&stage, &one).await;
    assert_eq!(endings(&stage).settle(|_| true, false).await.unwrap()[0].1, Fate::NotOffered);
    assert_eq!((said(&stage).await, stage.provider.revoked()), (vec!["not offered".to_owned()], Vec::new()));
}

#[tokio::test]
async fn one_connection_is_ended_and_stays_on_record_and_a_new_one_in_its_place_is_let_be() {
    let stage = Stage::new(LASTING);
    installed(&stage).await;
    stage.consented(1, Some(3_600)).await;
    let (endings, at) = (endings(&stage), entry(Kind::ConnectionEnded, 0));
    let ending = endings.end(&name(), at.clone()).await.unwrap().unwrap();
    assert_eq!((ending.generation, ending.provider.as_ref().unwrap().as_str()), (1, "chat"));
    assert_eq!(endings.end(&name(), at.clone()).await.unwrap(), None, "once");
    stage.provider.away(true);
    assert!(matches!(endings.settle(|one| one.key == name(), false).await.unwrap()[0].1, Fate::Later(_)));
    // A person connects it again before its provider has answered; and its old pair is kept however long that takes.
    stage.consented(2, Some(3_600)).await;
    stage.clock.0.store(7_200_000, Ordering::Relaxed);
    assert_eq!(stage.store.forget_retired(Timestamp(7_200_000)).await.unwrap(), 0);
    stage.provider.away(false);
    assert_eq!(endings.settle(|_| true, false).await.unwrap()[0].1, Fate::Revoked);
    assert_eq!(stage.provider.revoked(), text(&[&["refresh-given-1", "access-given-1"]]));
    assert_eq!(stage.standing().await, (2, Standing::Ready));
}

#[tokio::test]
async fn one_that_cannot_be_opened_is_ended_too_and_its_provider_named() {
    let stage = Stage::new(LASTING);
    installed(&stage).await;
    stage.consented(1, None).await;
    let blind = stage.with_another_key();
    let mut upstreams = stage.keeper.clone();
    upstreams.connections = blind;
    let endings = Endings { store: stage.store.clone(), upstreams };
    assert!(endings.end(&name(), entry(Kind::ConnectionEnded, 0)).await.unwrap().is_some());
    let settled = endings.settle(|_| true, false).await.unwrap();
    assert!(matches!(&settled[0].1, Fate::Failed(why) if why.contains("by hand at chat")), "{settled:?}");
    assert_eq!(stage.provider.revoked(), Vec::<Vec<String>>::new());
}

#[tokio::test]
async fn one_whose_key_program_does_not_answer_is_tried_again() {
    let stage = Stage::new(LASTING);
    let one = installed(&stage).await;
    stage.consented(1, None).await;
    uninstall(&stage, &one).await;
    let mut endings = endings(&stage);
    endings.upstreams.connections = stage.with_key_program(1);
    let settled = endings.settle(|_| true, false).await.unwrap();
    assert!(matches!(&settled[0].1, Fate::Later(why) if why == "key program keys: no answer"), "{settled:?}");
    assert_eq!(stage.store.vault().await.unwrap().slots.len(), 1, "it is kept until it is revoked");
    assert_eq!(endings.settle(|_| true, false).await.unwrap()[0].1, Fate::Revoked);
    assert_eq!(stage.provider.revoked(), text(&[&["refresh-given-1", "access-given-1"]]));
    assert_eq!(said(&stage).await, ["confirmed"]);
}

#[tokio::test]
async fn an_old_one_that_does_not_open_for_now_is_not_taken_for_the_present_one() {
    let stage = Stage::new(LASTING);
    stage.consented(1, Some(3_600)).await;
    stage.consented(2, Some(3_600)).await;
    let mut keeper = stage.keeper.clone();
    keeper.connections = stage.with_key_program(1);
    let item = Item::connection(name());
    let away = StepError::NotReached { why: "key program keys: no answer".into(), retry_after: None };
    assert_eq!(keeper.revoke_now(&item, 1, false).await, Err(away));
    assert_eq!(stage.provider.revoked(), Vec::<Vec<String>>::new(), "what a person put in its place is in use");
    assert_eq!(keeper.revoke_now(&item, 1, false).await, Ok(Revoked::Confirmed));
    assert_eq!(stage.provider.revoked(), text(&[&["refresh-given-1", "access-given-1"]]));
}
