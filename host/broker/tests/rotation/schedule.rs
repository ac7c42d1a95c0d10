//! Rotation by policy: what is due, when, and what becomes of what nobody can mint.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use portcullis_broker::rotation::{Memory, Scheduler, StepError};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    rotation::{Held, Policy, RotationStore as _, Scope},
    time::Timestamp,
};

use crate::fake::{Dial, Fake, OWN, STATIC, held, memory, rotator};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

async fn set(store: &Memory, scope: &str, policy: Policy) {
    let entry = Entry::new(Timestamp(0), Kind::RotationPolicy, Actor::Host, None);
    store.put_policy(scope.parse::<Scope>().unwrap(), Some(policy), entry).await.unwrap();
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
    scheduler.recover().await.unwrap();
    assert!(store.acts().await.unwrap()[0].ended.is_some());
    assert_eq!(fake.count("renew a"), 1, "what was minted is not minted again");
}
