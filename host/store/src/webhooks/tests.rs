use std::time::Duration;

use portcullis_model::{
    audit::{Entry, Kind},
    installation::{Installation, InstallationState, InstallationStore as _},
    queue::{DeliveryState, Queue as _, Verdict},
    secret::{SealedSecret, SecretPut, SecretStore as _, Slot},
    time::Timestamp,
    webhook::{BackEndState, DISABLED_AFTER, Health, Outbox as _, Replay, Sending, Settled, Shown},
};

use super::*;
use crate::{
    secrets::tests::first_of,
    testing::{entry, event, installation, store},
};

const HOLD: Duration = Duration::from_secs(30);

fn back_end(id: &str) -> BackEnd {
    BackEnd {
        tenant: "acme".parse().unwrap(),
        installation: id.parse().unwrap(),
        url: "https://hooks.example.test/in".parse().unwrap(),
        events: Vec::new(),
        state: BackEndState::Active,
        health: Health::default(),
        generation: 1,
    }
}

async fn with_back_end(store: &SqliteStore, one: BackEnd) {
    let installation = installation(one.installation.as_str());
    store.put_installation(installation, None, entry(Kind::PluginInstalled)).await.unwrap();
    assert!(store.put_back_end(one, None, None, entry(Kind::BackendSet)).await.unwrap());
}

async fn ingest(store: &SqliteStore, id: &str, target: &str) {
    let (new, old) = (entry(Kind::EventReceived), entry(Kind::EventDuplicate));
    store.ingest(event(id), vec![target.parse().unwrap()], new, old).await.unwrap();
}

async fn lease(store: &SqliteStore, now: i64) -> Vec<Sending> {
    store.lease_sendings(10, 4, Timestamp(now), HOLD).await.unwrap()
}

async fn settle(store: &SqliteStore, of: &Sending, verdict: Verdict, shown: Shown, now: i64) {
    let shown = Some((of.back_end.installation.clone(), of.back_end.generation, shown));
    let settled = Settled { delivery: of.delivery, verdict, shown, now: Timestamp(now) };
    store.settle_sending(settled, vec![entry(Kind::BackendDelivery)]).await.unwrap();
}

fn about(kind: Kind, id: &str) -> Entry {
    Entry { tenant: Some("acme".parse().unwrap()), ..entry(kind) }.about(format!("installation:{id}"))
}

async fn kinds(store: &SqliteStore) -> Vec<String> {
    let all = store.entries(0, 100).await.unwrap();
    all.iter().map(|e| e.read().unwrap().kind.name()).collect()
}

#[tokio::test]
async fn an_event_goes_to_plugin_and_back_end_and_each_lane_has_its_own() {
    let (_dir, store) = store();
    with_back_end(&store, back_end("a")).await;
    with_back_end(&store, BackEnd { events: vec!["other.*".into()], ..back_end("b") }).await;
    ingest(&store, "e1", "a").await;
    ingest(&store, "e2", "b").await;
    let plugins = store.lease(10, 10, Timestamp(1), HOLD).await.unwrap();
    assert_eq!(plugins.len(), 2);
    let sent = lease(&store, 1).await;
    assert_eq!(sent.len(), 1, "the other one did not ask for that type");
    assert_eq!((sent[0].event.id.as_str(), sent[0].attempt, sent[0].notice), ("e1", 1, false));
    assert!(lease(&store, 1).await.is_empty(), "it is held");
    store.settle(plugins[0].delivery, Verdict::Done, vec![]).await.unwrap();
    let rows = store.sendings(&"a".parse().unwrap(), 9).await.unwrap();
    assert_eq!(rows.iter().map(|row| (row.back_end, row.state)).collect::<Vec<_>>(), [(true, DeliveryState::Leased)]);
    let late = lease(&store, 31_000).await;
    assert_eq!((late.len(), late[0].attempt), (1, 2), "a lease that ran out comes back");
    assert_eq!(store.lease(10, 10, Timestamp(31_000), HOLD).await.unwrap().len(), 1);
    assert_eq!(store.recover().await.unwrap(), 2, "both lanes are recovered after a crash");
    assert_eq!(lease(&store, 31_000).await.len(), 1);
}

#[tokio::test]
async fn one_back_end_holds_few_messages_at_once_and_a_suspended_one_none() {
    let (_dir, store) = store();
    with_back_end(&store, back_end("a")).await;
    with_back_end(&store, back_end("b")).await;
    for n in 0..9 {
        ingest(&store, &format!("e{n}"), "a").await;
    }
    ingest(&store, "b1", "b").await;
    let held = Installation {
        generation: 2,
        state: InstallationState::Suspended { reason: "x".into(), by_platform: false },
        ..installation("b")
    };
    assert!(store.put_installation(held, Some(1), entry(Kind::PluginSuspended)).await.unwrap());
    let sent = lease(&store, 1).await;
    assert_eq!(sent.iter().map(|s| s.back_end.installation.as_str()).collect::<Vec<_>>(), ["a"; 4]);
    assert!(lease(&store, 1).await.is_empty());
}

#[tokio::test]
async fn a_failure_holds_the_back_end_back_and_a_stale_one_does_not() {
    let (_dir, store) = store();
    with_back_end(&store, back_end("a")).await;
    ingest(&store, "e1", "a").await;
    ingest(&store, "e2", "a").await;
    let sent = lease(&store, 1).await;
    let fails = Shown::Fails { why: "500".into(), until: Timestamp(5_000) };
    let retry = || Verdict::Retry { at: Timestamp(2), error: "500".into() };
    settle(&store, &sent[0], retry(), fails.clone(), 1).await;
    assert!(lease(&store, 4_999).await.is_empty());
    let again = lease(&store, 5_000).await;
    assert_eq!((again.len(), again[0].attempt), (1, 2));

    let anew = BackEnd { generation: 2, url: "https://other.example.test/".parse().unwrap(), ..back_end("a") };
    assert!(
        !store.put_back_end(anew.clone(), Some(7), None, entry(Kind::BackendSet)).await.unwrap(),
        "somebody was faster"
    );
    assert!(store.put_back_end(anew.clone(), Some(1), None, entry(Kind::BackendSet)).await.unwrap());
    settle(&store, &sent[1], retry(), Shown::Gone, 1).await;
    let now = store.back_end(&"a".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(now, anew, "what the old address answered is not held against the new one");
}

#[tokio::test]
async fn gone_disables_puts_aside_what_waits_and_a_replay_after_setting_it_anew_sends_it() {
    let (_dir, store) = store();
    with_back_end(&store, back_end("a")).await;
    for id in ["e1", "e2", "e3"] {
        ingest(&store, id, "a").await;
    }
    let sent = store.lease_sendings(2, 4, Timestamp(1), HOLD).await.unwrap();
    settle(&store, &sent[0], Verdict::Dead { error: "410".into() }, Shown::Gone, 9).await;
    settle(&store, &sent[1], Verdict::Retry { at: Timestamp(0), error: "x".into() }, Shown::Works, 9).await;
    let id = "a".parse().unwrap();
    let one = store.back_end(&id).await.unwrap().unwrap();
    assert!(matches!(&one.state, BackEndState::Disabled { since: Timestamp(9), why } if why.contains("410")));
    let rows = store.sendings(&id, 9).await.unwrap();
    assert!(rows.iter().all(|row| row.state == DeliveryState::Dead), "{rows:?}");
    let last: Vec<String> = kinds(&store).await.into_iter().rev().take(3).collect();
    assert_eq!(last, ["backend.delivery", "backend.delivery", "backend.disabled"]);
    ingest(&store, "e4", "a").await;
    assert_eq!(store.sendings(&id, 9).await.unwrap().len(), 3, "nothing new for a disabled one");

    assert!(
        store
            .put_back_end(BackEnd { generation: 2, ..back_end("a") }, Some(1), None, entry(Kind::BackendSet))
            .await
            .unwrap()
    );
    let since = |at| store.replay(&id, Replay::Since(Timestamp(at)), entry(Kind::BackendReplayed));
    let would = |at| store.replayable(&id, Replay::Since(Timestamp(at)));
    assert_eq!((would(2).await.unwrap(), would(1).await.unwrap()), (0, 3));
    assert_eq!(since(2).await.unwrap(), 0, "they happened before that");
    assert_eq!(since(1).await.unwrap(), 3);
    assert_eq!(would(1).await.unwrap(), 0, "they wait");
    let again = lease(&store, 10).await;
    assert_eq!(
        again.iter().map(|s| (s.event.id.as_str(), s.attempt)).collect::<Vec<_>>(),
        [("e1", 1), ("e2", 1), ("e3", 1)]
    );
    settle(&store, &again[0], Verdict::Done, Shown::Works, 11).await;
    let by_number = [0, 1].map(|nth: usize| Replay::One(again[nth].delivery));
    let (done, held) = (store.replayable(&id, by_number[0]).await, store.replayable(&id, by_number[1]).await);
    assert_eq!((done.unwrap(), held.unwrap()), (1, 0), "what is under way is not sent again");
    let one = store.replay(&id, Replay::One(again[0].delivery), entry(Kind::BackendReplayed)).await.unwrap();
    assert_eq!(one, 1, "by its number one that was accepted is sent again");
}

#[tokio::test]
async fn days_of_failures_disable_it() {
    let (_dir, store) = store();
    with_back_end(&store, back_end("a")).await;
    let days = i64::try_from(DISABLED_AFTER.as_millis()).unwrap();
    let mut now = 1;
    for _ in 0..2 {
        ingest(&store, &format!("e{now}"), "a").await;
        let sent = lease(&store, now).await;
        let fails = Shown::Fails { why: "no route".into(), until: Timestamp(now + 1) };
        settle(&store, &sent[0], Verdict::Retry { at: Timestamp(now), error: "no route".into() }, fails, now).await;
        now += days;
    }
    let one = store.back_end(&"a".parse().unwrap()).await.unwrap().unwrap();
    assert!(!one.is_active(), "{one:?}");
    assert!(kinds(&store).await.contains(&"backend.disabled".to_owned()));
}

#[tokio::test]
async fn an_entry_of_its_life_is_told_and_no_source_can_forge_one() {
    let (_dir, store) = store();
    with_back_end(&store, back_end("a")).await;
    portcullis_model::audit::Recorder::record(
        &store,
        vec![about(Kind::PluginResumed, "a"), about(Kind::PluginResumed, "b"), about(Kind::PluginGranted, "a")],
    )
    .await
    .unwrap();
    let forged = portcullis_model::event::Event {
        origin: portcullis_model::webhook::ORIGIN.parse().unwrap(),
        source: portcullis_model::webhook::ORIGIN.into(),
        kind: "installation.resumed".into(),
        ..event("notice-9")
    };
    let (new, old) = (entry(Kind::EventReceived), entry(Kind::EventDuplicate));
    store.ingest(forged, vec!["a".parse().unwrap()], new, old).await.unwrap();
    let sent = lease(&store, 1).await;
    let told: Vec<_> = sent.iter().map(|s| (s.event.kind.as_str(), s.notice)).collect();
    assert_eq!(told, [("installation.resumed", true), ("installation.resumed", false)]);
    // The forged event took the id of the next notice; that is stored all the same.
    while store.entry_count().await.unwrap() < 9 {
        store.record_one(entry(Kind::CallEnded)).await;
    }
    store.record_one(about(Kind::PluginResumed, "a")).await;
    assert!(lease(&store, 1).await.iter().any(|s| s.notice && s.event.id == "notice-9"));
    let test = Notice::test("acme".parse().unwrap(), "a".parse().unwrap(), Timestamp(1));
    assert!(store.tell(test.clone(), entry(Kind::BackendTested)).await.unwrap().is_some());
    let nobody = Notice { tenant: "other".parse().unwrap(), ..test };
    assert_eq!(store.tell(nobody, entry(Kind::BackendTested)).await.unwrap(), None, "another tenant's");
}

#[tokio::test]
async fn a_back_end_that_cannot_be_read_holds_up_nothing() {
    let (_dir, store) = store();
    with_back_end(&store, back_end("a")).await;
    with_back_end(&store, back_end("b")).await;
    let spoil = |c: &crate::db::Writing| {
        c.execute("UPDATE backends SET body = '{' WHERE installation = 'a'", []).map_err(failed)
    };
    store.db.write(spoil).await.unwrap();
    ingest(&store, "e1", "a").await;
    ingest(&store, "e2", "b").await;
    store.record_one(about(Kind::PluginSuspended, "a")).await;
    assert_eq!(lease(&store, 1).await.len(), 1);
    assert_eq!(kinds(&store).await.last().unwrap(), "plugin.suspended");
}

#[tokio::test]
async fn removing_takes_keys_and_waiting_messages_along() {
    let (_dir, store) = store();
    with_back_end(&store, back_end("a")).await;
    let id = "a".parse().unwrap();
    let names = |rows: Vec<SealedSecret>| rows.into_iter().map(|row| row.name).collect::<Vec<_>>();
    for name in [SIGNING, "chat"] {
        crate::secrets::tests::put_named(&store, "a", name).await;
    }
    assert_eq!(names(store.secrets().await.unwrap()), [SIGNING, "chat"]);
    ingest(&store, "e1", "a").await;
    let stale = BackEnd { generation: 7, ..back_end("a") };
    assert!(!store.remove_back_end(&stale, entry(Kind::BackendRemoved)).await.unwrap());
    assert!(store.remove_back_end(&back_end("a"), entry(Kind::BackendRemoved)).await.unwrap());
    assert_eq!(store.back_ends().await.unwrap(), vec![]);
    assert_eq!(names(store.secrets().await.unwrap()), ["chat"]);
    assert_eq!(store.sendings(&id, 9).await.unwrap()[0].state, DeliveryState::Dead);
    let last = store.entries(store.entry_count().await.unwrap() - 1, 1).await.unwrap().remove(0);
    let last: Entry = last.read().unwrap();
    assert_eq!((last.kind, last.detail["messages"].as_u64()), (Kind::BackendRemoved, Some(1)));
}

impl SqliteStore {
    async fn record_one(&self, entry: Entry) {
        portcullis_model::audit::Recorder::record(self, vec![entry]).await.unwrap();
    }
}

#[tokio::test]
async fn a_back_end_and_its_first_key_are_one_write() {
    let (_dir, store) = store();
    store.put_installation(installation("a"), None, entry(Kind::PluginInstalled)).await.unwrap();
    let slot = Slot { tenant: "acme".parse().unwrap(), installation: Some("a".parse().unwrap()), name: SIGNING.into() };
    let (first, second) = (first_of(&store, &slot, 7).await, first_of(&store, &slot, 8).await);
    let put = async |generation, expected, key: &SecretPut| {
        let one = BackEnd { generation, ..back_end("a") };
        store.put_back_end(one, expected, Some(key.clone()), entry(Kind::BackendSet)).await.unwrap()
    };
    assert!(!put(2, Some(1), &first).await, "there is none that it would replace");
    assert_eq!(store.slot(&slot).await.unwrap(), None, "so there is no key of it either");
    assert!(put(1, None, &first).await);
    assert!(!put(2, None, &second).await, "somebody was faster");
    assert!(!put(2, Some(1), &second).await, "its key is another one by now");
    assert_eq!(store.back_end(&"a".parse().unwrap()).await.unwrap().unwrap().generation, 1);
    let kept = store.slot(&slot).await.unwrap().unwrap();
    assert_eq!((kept.generations.len(), kept.current().unwrap().sealed.as_slice()), (1, &[7u8][..]));
}
