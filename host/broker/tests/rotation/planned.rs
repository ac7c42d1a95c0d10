//! Everything is rotated in good order while two hundred requests a second are made.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use portcullis_broker::rotation::{Order, Quiet};
use portcullis_model::{
    freeze::Extent,
    rotation::{Mode, Outcome},
};
use tokio::task::JoinSet;

use crate::{
    fake::{ENDS_OLD, LASTING, ONCE, OWN, emergency},
    kept::Stage,
};

/// Requests in all, and the time between two.
const REQUESTS: usize = 2_000;
const EVERY: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn not_one_request_fails() {
    let providers = [("alpha", OWN, 20), ("beta", LASTING, 20), ("gamma", ONCE, 20), ("delta", ENDS_OLD, 20)];
    let stage = Arc::new(Stage::new(&providers, Duration::from_millis(5)).await);
    let items = stage.items.clone();
    let (loaded, all) = (stage.clone(), items.clone());
    let loading = tokio::spawn(async move {
        let (began, mut running) = (Instant::now(), JoinSet::new());
        let mut every = tokio::time::interval(EVERY);
        for number in 0..REQUESTS {
            every.tick().await;
            let (stage, held) = (loaded.clone(), all[number % all.len()].clone());
            running.spawn(async move { stage.send(&held).await.map(|answer| answer.status) });
        }
        let mut ends = BTreeMap::<String, usize>::new();
        while let Some(end) = running.join_next().await {
            *ends.entry(format!("{:?}", end.unwrap())).or_default() += 1;
        }
        (ends, began.elapsed())
    });
    // As a running host does it, which looks for what other processes have stored.
    let (connections, loaded) = (stage.connections.clone(), loading.abort_handle());
    let reading = tokio::spawn(async move {
        while !loaded.is_finished() {
            tokio::time::sleep(Duration::from_millis(500)).await;
            connections.refresh().await.unwrap();
        }
    });
    let mut rotations = 0;
    while !loading.is_finished() {
        let order = Order { mode: Mode::Planned, overlap: Duration::from_secs(60), ..emergency(Extent::All) };
        let (_, lines) = stage.rotator.carry_out(order, Arc::new(Quiet)).await.unwrap();
        assert!(lines.len() == 80 && lines.iter().all(|line| line.outcome == Outcome::Renewed));
        rotations += usize::from(!loading.is_finished());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    reading.await.unwrap();
    let (ends, took) = loading.await.unwrap();
    assert_eq!(ends, BTreeMap::from([("Ok(200)".to_owned(), REQUESTS)]));
    assert!(rotations >= 1, "none was through before the last request was made");
    let mut again = 0;
    for upstream in &stage.upstreams {
        let (_, revoked, strangers) = upstream.counts();
        assert_eq!(strangers, 0, "{}", upstream.name);
        // Where a renewal ends the old one, whatever is under way with it is sent once more with the new one.
        if upstream.name == "delta" {
            again = revoked;
        } else {
            assert_eq!(revoked, 0, "{}", upstream.name);
        }
    }
    println!(
        "{REQUESTS} requests in {took:?}, 80 credentials rotated {rotations} times meanwhile, {again} sent again: {ends:?}"
    );
}
