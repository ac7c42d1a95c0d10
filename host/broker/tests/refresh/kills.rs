//! SIGKILL at each step of a renewal, at providers of each kind.

use std::sync::Arc;

use portcullis_model::connection::Standing;

use crate::{
    process::{Told, Worker, hear, say, told},
    provider::{Provider, Way},
    world::World,
};

/// Where the worker stops and is killed, in the order of a renewal.
const STEPS: [&str; 6] =
    ["before-intent", "after-intent", "before-sending", "after-answer", "before-write", "after-write"];

/// How often at each step and provider.
const TIMES: usize = 20;

/// Not a test: what a worker process runs. It is told a connection, a time and a step; at the step it says so, and waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is a worker of the tests below"]
async fn worker() {
    let Some(Told { dir, provider }) = told() else { return };
    let line = hear().unwrap();
    let [name, now, step] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    let step = step.to_owned();
    let at = move |reached: &'static str| {
        if reached == step {
            say(reached);
            loop {
                std::thread::park();
            }
        }
    };
    let world = Arc::new(World::open(&dir, provider, at).await);
    world.time.set(now.parse().unwrap());
    let end = world.used(name).await;
    say(&format!("ended {end:?}"));
}

struct Tally {
    recovered: usize,
    consent: usize,
}

async fn killed_at(step: &'static str, way: Way) -> Tally {
    let dir = tempfile::tempdir().unwrap();
    let provider = Provider::start(way).await;
    let world = World::open(dir.path(), provider.address, |_| {}).await;
    let mut tally = Tally { recovered: 0, consent: 0 };
    for time in 0..TIMES {
        let name = format!("chat-{time}");
        world.time.set(0);
        world.add(&name, way).await;
        let mut worker = Worker::start("kills::worker", dir.path(), provider.address);
        worker.say(&format!("{name} 61 {step}"));
        assert_eq!(worker.hear(), step);
        let standing = world.view(&name).await.standing;
        let intent = !matches!(step, "before-intent" | "after-write");
        assert_eq!(matches!(standing, Standing::Renewing { .. }), intent, "{step}: {standing:?}");
        worker.kill();
        world.check_one_current(&name).await;
        // Another process needs the same token; this one has not looked since.
        world.time.set(62);
        match world.used(&name).await {
            Ok(end) => {
                assert_eq!(end, "200", "{step} {way:?}");
                tally.recovered += 1;
            }
            Err(error) => {
                let standing = world.view(&name).await.standing;
                assert!(matches!(standing, Standing::ConsentNeeded { .. }), "{step} {way:?}: {error} {standing:?}");
                tally.consent += 1;
            }
        }
        world.check_one_current(&name).await;
    }
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_at_any_step_locks_nobody_out_where_the_provider_allows_it() {
    let mut killed = 0;
    for way in [Way::Often, Way::OnceWithGrace, Way::Once] {
        for step in STEPS {
            let Tally { recovered, consent } = killed_at(step, way).await;
            killed += TIMES;
            // It has used its refresh token up, and its answer died with the process.
            let lost = way == Way::Once && matches!(step, "after-answer" | "before-write");
            println!("{way:?}, killed {step}: {recovered} recovered, {consent} need consent, of {TIMES}");
            assert_eq!((recovered, consent), if lost { (0, TIMES) } else { (TIMES, 0) }, "{way:?} {step}");
        }
    }
    println!("{killed} kills");
}
