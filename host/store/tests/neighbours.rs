//! What a tenant that writes one entry after the other keeps of its pace beside others that write without a pause. It measures and
//! asserts nothing about time: `cargo test --release -p portcullis-store --test neighbours -- --ignored --nocapture`.

#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    time::Timestamp,
};
use portcullis_store::SqliteStore;

/// How long each span is, with and without the others in turn.
const SPAN: Duration = Duration::from_millis(150);
const ROUNDS: usize = 9;
/// What it does between an answer and its next entry, in turn.
const PAUSES: [u64; 4] = [160, 120, 20, 200];

fn entry(tenant: &str) -> Entry {
    Entry::new(Timestamp(1), Kind::ActDenied, Actor::Host, Some(tenant.parse().unwrap()))
        .about("ticket:1")
        .with("act", "tickets.get")
        .with("reason", "reading priority of tickets is not granted")
}

fn computes(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Writes until it is told to stop. Gives how many it wrote.
fn writes(
    store: &Arc<SqliteStore>,
    tenant: &'static str,
    pauses: &'static [u64],
    stop: &Arc<AtomicBool>,
) -> tokio::task::JoinHandle<usize> {
    let (store, stop) = (store.clone(), stop.clone());
    tokio::spawn(async move {
        let mut written = 0;
        while !stop.load(Ordering::Relaxed) {
            store.record(vec![entry(tenant)]).await.unwrap();
            computes(Duration::from_micros(pauses[written % pauses.len()]));
            written += 1;
        }
        written
    })
}

/// Entries a second of the neighbour, and of all others together.
async fn span(store: &Arc<SqliteStore>, others: &[&'static str]) -> (f64, f64) {
    let stop = Arc::default();
    let all: Vec<_> = others.iter().map(|name| writes(store, name, &[10], &stop)).collect();
    let neighbour = writes(store, "neighbour", &PAUSES, &stop);
    tokio::time::sleep(SPAN).await;
    stop.store(true, Ordering::Relaxed);
    let mut sum = 0;
    for one in all {
        sum += one.await.unwrap();
    }
    let second = |count: usize| count as f64 / SPAN.as_secs_f64();
    (second(neighbour.await.unwrap()), second(sum))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn measure(dir: &Path, others: &[&'static str]) {
    let store = Arc::new(SqliteStore::open(&dir.join(format!("{}.db", others.len()))).unwrap());
    let mut alone = vec![span(&store, &[]).await.0];
    let (mut beside, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (own, sum) = span(&store, others).await;
        beside.push(own);
        theirs.push(sum);
        alone.push(span(&store, &[]).await.0);
    }
    let kept = beside.iter().zip(alone.windows(2)).map(|(own, around)| 200.0 * own / (around[0] + around[1])).collect();
    println!(
        "beside {} that write without a pause: {:.0} % kept ({:.0} of {:.0} entries a second; the others {:.0})",
        others.len(),
        median(kept),
        median(beside),
        median(alone),
        median(theirs)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "measures"]
async fn who_writes_less_keeps_its_pace() {
    let dir = tempfile::tempdir().unwrap();
    measure(dir.path(), &["one"]).await;
    measure(dir.path(), &["one", "two"]).await;
}
