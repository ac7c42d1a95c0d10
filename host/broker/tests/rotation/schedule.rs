//! Rotation by policy: what is due, when, and what becomes of what nobody can mint.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use portcullis_broker::rotation::{LEFT_ALONE, Memory, Order, Quiet, Scheduler, StepError};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::ConnectionKey,
    freeze::{Extent, Freeze, FreezeStore as _},
    rotation::{Act, Held, Item, Mode, Outcome, Policy, RotationStore as _, Scope},
    time::Timestamp,
};

use crate::{
    crash::Dying,
    fake::{Dial, Fake, OWN, STATIC, emergency, held, memory, rotator},
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

async fn set(store: &Memory, scope: &str, policy: Policy) {
    let entry = Entry::new(Timestamp(0), Kind::RotationPolicy, Actor::Host, None);
    let scope = scope.parse::<Scope>().unwrap();
    let before = store.policies().await.unwrap().into_iter().find(|(known, _)| *known == scope).map(|(_, found)| found);
    assert!(store.put_policy(scope, before, Some(policy), entry).await.unwrap());
}

fn days(days: u64) -> Policy {
    Policy { max_age: Some(days * 86_400), ..Policy::default() }
}

fn stage(all: Vec<Held>) -> (Arc<Memory>, Arc<Fake>, Dial, Scheduler) {
    let (store, fake, clock) = (memory(), Fake::new(all), Dial::default());
    let scheduler = Scheduler::new(rotator(&store, &fake, &clock));
    (store, fake, clock, scheduler)
}

#[tokio::test]
async fn what_is_due_is_minted_and_a_person_is_told_of_the_rest_once() {
    let (store, fake, clock, scheduler) =
        stage(vec![held("ins_1", "own", "p", OWN), held("ins_1", "static", "p", STATIC)]);
    assert!(scheduler.tick().await.unwrap().is_empty(), "no policy, no rotation");
    set(&store, "host", days(20)).await;
    clock.0.store(18 * DAY, Ordering::Relaxed);
    assert!(scheduler.tick().await.unwrap().is_empty(), "not due");
    clock.0.store(19 * DAY + HOUR, Ordering::Relaxed);
    assert_eq!(scheduler.tick().await.unwrap().len(), 1);
    assert_eq!(fake.calls(), ["renew own"]);
    fake.set(Held { issued: Some(Timestamp(19 * DAY)), ..fake.of("own") });
    for _ in 0..3 {
        assert!(scheduler.tick().await.unwrap().is_empty());
    }
    let told: Vec<Entry> = store.entries().into_iter().filter(|entry| entry.kind == Kind::RotationNeeded).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].resource.as_deref(), Some("connection acme/ins_1/static"));
    let acts = store.acts().await.unwrap();
    assert!(acts.len() == 1 && acts[0].by == "dana" && acts[0].freeze.is_none());
}

#[tokio::test]
async fn the_strictest_policy_holds_and_a_window_is_kept_to() {
    let (store, fake, clock, scheduler) = stage(vec![held("ins_1", "a", "p", OWN), held("ins_2", "b", "p", OWN)]);
    set(&store, "host", Policy { windows: vec!["02:00-03:00".parse().unwrap()], ..days(30) }).await;
    set(&store, "installation:ins_1", days(10)).await;
    clock.0.store(9 * DAY + 2 * HOUR - 1, Ordering::Relaxed);
    scheduler.tick().await.unwrap();
    assert!(fake.calls().is_empty(), "before its window");
    clock.0.store(9 * DAY + 2 * HOUR, Ordering::Relaxed);
    scheduler.tick().await.unwrap();
    assert_eq!(fake.calls(), ["renew a"], "in the last window before its limit, and nothing else");
    clock.0.store(30 * DAY, Ordering::Relaxed);
    fake.set(Held { issued: Some(Timestamp(29 * DAY)), ..fake.of("a") });
    assert!(scheduler.status().await.unwrap().iter().any(|one| one.overdue && one.held.item.name == "b"));
    scheduler.tick().await.unwrap();
    assert_eq!(fake.calls(), ["renew a", "renew b"], "at its limit, window or not");
}

#[tokio::test]
async fn what_fails_is_left_alone_for_a_while_and_stays_in_use() {
    let (store, fake, clock, scheduler) = stage(vec![held("ins_1", "a", "p", OWN)]);
    let refused = || StepError::Refused("invalid_client".into());
    fake.fails("a", "renew", [refused(), refused()]);
    set(&store, "tenant:acme", days(1)).await;
    clock.0.store(DAY, Ordering::Relaxed);
    let mut tries = Vec::new();
    for minute in 0..30 {
        clock.0.store(DAY + minute * 60_000, Ordering::Relaxed);
        scheduler.tick().await.unwrap();
        if fake.calls().len() > tries.len() {
            tries.push(minute);
        }
        if fake.of("a").generation == 2 {
            break;
        }
    }
    assert_eq!(tries, [0, 5, 15]);
    assert_eq!(fake.count("person a"), 0);
}

#[tokio::test]
async fn an_act_that_was_cut_off_is_gone_on_with() {
    let (store, fake, clock, scheduler) = stage(vec![held("ins_1", "a", "p", OWN)]);
    set(&store, "host", Policy { overlap: Some(60), ..days(1) }).await;
    clock.0.store(DAY, Ordering::Relaxed);
    scheduler.tick().await.unwrap();
    let mut act = store.acts().await.unwrap().remove(0);
    assert_eq!(Duration::from_secs(act.overlap), Duration::from_secs(60));
    act.ended = None;
    let mut line = store.lines(&act.id).await.unwrap().remove(0);
    line.outcome = portcullis_model::rotation::Outcome::Open;
    store.put_act(act.clone(), vec![line]).await.unwrap();
    assert!(scheduler.recover().await.unwrap().is_empty());
    assert!(store.acts().await.unwrap()[0].ended.is_some());
    assert_eq!(fake.count("renew a"), 1, "what was minted is not minted again");
}

#[tokio::test]
async fn an_emergency_that_nobody_goes_on_with_is_carried_out_unless_it_was_taken_back() {
    let (store, fake, clock, scheduler) = stage(vec![held("ins_1", "a", "p", OWN), held("ins_2", "b", "q", OWN)]);
    let rotator = rotator(&store, &fake, &clock);
    let of = |provider: &str| emergency(Extent::Provider(provider.parse().unwrap()));
    let (lost, taken_back) = (rotator.freeze(of("p")).await.unwrap(), rotator.freeze(of("q")).await.unwrap());
    store
        .lift_freeze(taken_back.freeze.unwrap(), Entry::new(Timestamp(0), Kind::FreezeLifted, Actor::Host, None))
        .await
        .unwrap();
    let left_alone = i64::try_from(LEFT_ALONE.as_millis()).unwrap();
    clock.0.store(left_alone - 1, Ordering::Relaxed);
    assert!(scheduler.cut_off().await.unwrap().is_empty(), "whoever ordered it may wait for its turn still");
    clock.0.store(left_alone, Ordering::Relaxed);
    assert!(scheduler.recover().await.unwrap().is_empty());
    assert_eq!(fake.calls(), ["revoke a", "renew a"]);
    let ended: Vec<_> = store.acts().await.unwrap().into_iter().map(|act| (act.id, act.ended.is_some())).collect();
    assert_eq!(ended, [(lost.id, true), (taken_back.id, false)]);
    assert!(store.freezes().await.unwrap().freezes.is_empty(), "what it froze goes on");
}

#[tokio::test]
async fn an_act_that_cannot_go_on_keeps_no_other_from_it() {
    let (memory, fake, clock) = (memory(), Fake::new([held("ins_1", "a", "p", OWN)]), Dial::default());
    let planned = || Order { mode: Mode::Planned, ..emergency(Extent::All) };
    let (first, mut acts) = (rotator(&memory, &fake, &clock), Vec::new());
    for _ in 0..3 {
        let (mut act, mut lines) = first.carry_out(planned(), Arc::new(Quiet)).await.unwrap();
        (act.ended, lines[0].outcome) = (None, Outcome::Open);
        memory.put_act(act.clone(), lines).await.unwrap();
        acts.push(act.id);
    }
    let never = Mutex::new(Some(acts[1].clone()));
    let dying = Arc::new(Dying { inner: memory.clone(), left: AtomicUsize::new(usize::MAX), never });
    let scheduler = Scheduler::new(rotator(&dying, &fake, &clock));
    let left = scheduler.recover().await.unwrap();
    assert_eq!(left.iter().map(|(act, _)| act).collect::<Vec<_>>(), [&acts[1]]);
    assert!(left[0].1.to_string().contains("bad"), "{}", left[0].1);
    let ended = |acts: Vec<Act>| acts.iter().map(|act| act.ended.is_some()).collect::<Vec<_>>();
    assert_eq!(ended(memory.acts().await.unwrap()), [true, false, true]);
    *dying.never.lock().unwrap() = None;
    assert!(scheduler.recover().await.unwrap().is_empty());
    assert_eq!(ended(memory.acts().await.unwrap()), [true; 3]);
}

#[tokio::test]
async fn what_is_frozen_waits_until_it_is_not() {
    let (store, fake, clock, scheduler) = stage(vec![held("ins_1", "a", "p", OWN), held("ins_2", "b", "q", OWN)]);
    set(&store, "host", days(1)).await;
    clock.0.store(DAY, Ordering::Relaxed);
    let (reason, by) = ("a breach".to_owned(), "dana".to_owned());
    let extent = Extent::Provider("p".parse().unwrap());
    let freeze =
        Freeze { number: 0, extent, reason, by, since: Timestamp(0), act: None, incident: None, platform: false };
    let entry = || Entry::new(Timestamp(0), Kind::FreezeAdded, Actor::Host, None);
    let number = store.add_freeze(freeze, entry()).await.unwrap();
    scheduler.tick().await.unwrap();
    assert_eq!(fake.calls(), ["renew b"]);
    fake.set(Held { issued: Some(Timestamp(DAY)), ..fake.of("b") });
    store.lift_freeze(number, entry()).await.unwrap();
    scheduler.tick().await.unwrap();
    assert_eq!(fake.calls(), ["renew b", "renew a"]);
}

#[tokio::test]
async fn what_is_due_of_a_tenant_is_rotated_in_acts_of_its_own() {
    let of_other = |one: Held| {
        let key = one.item.key().unwrap();
        Held { item: Item::connection(ConnectionKey { tenant: "other".parse().unwrap(), ..key }), ..one }
    };
    let (store, fake, clock, scheduler) =
        stage(vec![held("ins_1", "a", "p", OWN), of_other(held("ins_2", "b", "p", OWN))]);
    set(&store, "host", days(1)).await;
    clock.0.store(DAY, Ordering::Relaxed);
    let mut due = scheduler.due().await.unwrap();
    let (other, acme) = (due.pop_last().unwrap(), due.pop_first().unwrap());
    assert_eq!((acme.0.as_str(), other.0.as_str()), ("acme", "other"));
    scheduler.rotate(&other.0, other.1).await.unwrap();
    assert_eq!(fake.calls(), ["renew b"], "and nothing of the other tenant");
    assert_eq!(store.acts().await.unwrap()[0].extent, Extent::Tenant("other".parse().unwrap()));
}
