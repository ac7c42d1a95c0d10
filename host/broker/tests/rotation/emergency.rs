//! An emergency over a thousand credentials of three providers, with requests on their way all the time.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use portcullis_broker::rotation::{Quiet, Report};
use portcullis_model::{
    error::ServiceError,
    freeze::Extent,
    rotation::{Held, Outcome, Revocation},
};
use tokio::task::JoinSet;

use crate::{
    fake::{ENDS_OLD, ONCE, OWN, emergency},
    kept::Stage,
};

/// Sends all the time, until it is told to stop. Gives how many requests ended in which way.
async fn load(stage: Arc<Stage>, items: Vec<Held>, stop: Arc<AtomicBool>) -> BTreeMap<String, usize> {
    let mut running = JoinSet::new();
    let mut every = tokio::time::interval(Duration::from_millis(10));
    let mut next = 0;
    while !stop.load(Ordering::Relaxed) {
        every.tick().await;
        let (stage, held) = (stage.clone(), items[next * 7919 % items.len()].clone());
        next += 1;
        running.spawn(async move {
            match stage.send(&held).await {
                Ok(answer) => answer.status.to_string(),
                Err(ServiceError::Frozen(_)) => "frozen".to_owned(),
                Err(error) => error.to_string(),
            }
        });
    }
    let mut ends = BTreeMap::new();
    while let Some(end) = running.join_next().await {
        *ends.entry(end.unwrap()).or_default() += 1;
    }
    ends
}

/// One request with each, some at a time. Gives how many were answered well.
async fn all_once(stage: &Arc<Stage>, items: &[Held]) -> usize {
    let (well, mut running) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
    for held in items {
        if running.len() >= 16 {
            running.join_next().await;
        }
        let (stage, held, well) = (stage.clone(), held.clone(), well.clone());
        running.spawn(async move {
            let answer = stage.send(&held).await;
            assert_eq!(answer.as_ref().map(|answer| answer.status), Ok(200), "{}", held.item);
            well.fetch_add(1, Ordering::Relaxed);
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    well.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_credentials_of_three_providers() {
    let providers = [("alpha", OWN, 334), ("beta", ENDS_OLD, 333), ("gamma", ONCE, 333)];
    let stage = Arc::new(Stage::new(&providers, Duration::from_millis(20)).await);
    let before = stage.items.clone();
    assert_eq!(before.len(), 1_000);
    let stop = Arc::new(AtomicBool::new(false));
    let loading = tokio::spawn(load(stage.clone(), before.clone(), stop.clone()));
    let (looking, looks) = (stage.book.clone(), stop.clone());
    let ticking = tokio::spawn(async move {
        while !looks.load(Ordering::Relaxed) {
            looking.loosen().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;

    let began = Instant::now();
    let (act, lines) = stage.rotator.carry_out(emergency(Extent::All), Arc::new(Quiet)).await.unwrap();
    let took = began.elapsed();
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    let ends = loading.await.unwrap();
    ticking.await.unwrap();
    stage.book.tick().await.unwrap();

    let report = Report::new(act, lines);
    assert!(report.is_whole());
    assert_eq!(report.totals.outcome(Outcome::Renewed), 1_000);
    assert_eq!(report.totals.revocation(Revocation::Confirmed), 667);
    assert_eq!(report.totals.revocation(Revocation::Replaced), 333);
    let during: Vec<_> = stage.upstreams.iter().map(|one| one.counts()).collect();
    assert_eq!(all_once(&stage, &before).await, 1_000);
    for ((name, _, count), (upstream, during)) in providers.iter().zip(stage.upstreams.iter().zip(during)) {
        let (served, revoked_uses, strangers) = upstream.counts();
        assert_eq!(upstream.revoked(), *count, "{name}: every old one is revoked");
        assert_eq!((revoked_uses, strangers), (0, 0), "{name}: no old one was used after it was revoked");
        assert_eq!(served - during.0, *count, "{name}: every new one works");
    }
    assert!(ends.keys().all(|end| end == "200" || end == "frozen"), "{ends:?}");
    assert!(ends.get("frozen").is_some_and(|count| *count > 0), "requests came while it was frozen: {ends:?}");
    println!(
        "1,000 credentials over 3 providers of 20 ms a call in {took:?}; nothing went out any more after {} ms; requests \
         meanwhile: {ends:?}; uses of revoked ones: 0",
        report.reach_ms.unwrap()
    );
}
