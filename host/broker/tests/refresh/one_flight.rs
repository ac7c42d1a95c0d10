//! Many tasks in several processes that all need the same token when it is over.

use std::sync::Arc;

use crate::{
    process::{Told, Worker, hear, say, told},
    provider::{Provider, Way},
    world::World,
};

const PROCESSES: usize = 4;
const TASKS: usize = 8;
const ROUNDS: u64 = 1_000;

/// Not a test: what a worker process runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is a worker of the test below"]
async fn worker() {
    let Some(Told { dir, provider }) = told() else { return };
    let world = Arc::new(World::open(&dir, provider, |_| {}).await);
    say("ready");
    while let Some(line) = hear() {
        world.time.set(line.parse().unwrap());
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let world = world.clone();
                tokio::spawn(async move { world.used("chat").await })
            })
            .collect();
        let mut ends = Vec::new();
        for task in tasks {
            ends.push(task.await.unwrap().unwrap_or_else(|error| error.replace(' ', "-")));
        }
        say(&ends.join(" "));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_two_tasks_in_four_processes_ask_once_a_round() {
    let dir = tempfile::tempdir().unwrap();
    let provider = Provider::start(Way::Once).await;
    let world = World::open(dir.path(), provider.address, |_| {}).await;
    world.add("chat", Way::Once).await;
    let start = || Worker::start("one_flight::worker", dir.path(), provider.address);
    let mut workers: Vec<Worker> = (0..PROCESSES).map(|_| start()).collect();
    workers.iter_mut().for_each(|worker| assert_eq!(worker.hear(), "ready"));
    let (mut good, began) = (0, tokio::time::Instant::now());
    for round in 1..=ROUNDS {
        // Just after the end of the last one.
        let now = round * 61;
        workers.iter_mut().for_each(|worker| worker.say(&now.to_string()));
        for worker in &mut workers {
            let ends = worker.hear();
            assert!(ends.split(' ').all(|end| end == "200"), "round {round}: {ends}");
            good += ends.split(' ').count() as u64;
        }
        let seen = provider.seen("chat");
        assert_eq!((seen.asked, seen.issued, seen.stale), (round, round, 0), "round {round}");
    }
    workers.into_iter().for_each(Worker::end);
    world.check_one_current("chat").await;
    let (seen, view) = (provider.seen("chat"), world.view("chat").await);
    println!(
        "{ROUNDS} rounds, {PROCESSES} processes of {TASKS} tasks: {good} requests with the newest token, {} with an older one; \
         {} renewals asked for, {} issued; generation {}; {:.1?}",
        seen.stale,
        seen.asked,
        seen.issued,
        view.generation,
        began.elapsed()
    );
    assert_eq!(good, ROUNDS * (PROCESSES * TASKS) as u64);
    assert_eq!(view.generation, ROUNDS + 1);
}
