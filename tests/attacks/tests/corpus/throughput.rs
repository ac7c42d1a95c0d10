//! What a neighbour keeps of its throughput while each guest attacks. It measures and asserts nothing about time: on a loaded
//! machine the figures mean little.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use portcullis_model::{
    installation::Installation,
    invoke::{CallEnd, Invoke as _},
};
use serde_json::json;

use crate::{
    guest::{GUESTS, Guest},
    neighbour::Neighbour,
    run,
    world::{World, event_for},
};

/// How long each measurement takes.
const SPAN: Duration = Duration::from_millis(300);
/// How often both are measured, one after the other.
const ROUNDS: usize = 3;
/// What is to be kept.
const KEPT: f64 = 80.0;

struct Measured {
    name: &'static str,
    alone: f64,
    beside: f64,
}

impl Measured {
    fn kept(&self) -> f64 {
        100.0 * self.beside / self.alone.max(f64::MIN_POSITIVE)
    }
}

/// Measures for every guest that can be called, and prints a table and one line of JSON.
pub async fn measure(world: &World, only: &str) {
    let neighbour = Neighbour::new(world).await;
    let mut all = Vec::new();
    for guest in GUESTS.iter().filter(|guest| guest.name.contains(only)) {
        if let Some(installation) = run::installed(world, guest).await
            && can_be_called(world, guest, &installation).await
        {
            all.push(one(world, &neighbour, guest, &installation).await);
        }
    }
    all.sort_by(|a, b| a.kept().total_cmp(&b.kept()));
    println!("| guest | alone, calls/s | beside it, calls/s | kept, % |\n|---|---|---|---|");
    for Measured { name, alone, beside } in &all {
        println!("| {} | {alone:.0} | {beside:.0} | {:.0} |", name.replace('_', " "), 100.0 * beside / alone);
    }
    let under = all.iter().filter(|one| one.kept() < KEPT).count();
    println!("{under} of {} under {KEPT} %", all.len());
    let rows: Vec<_> = all
        .iter()
        .map(|one| json!({ "guest": one.name, "alone": one.alone, "beside": one.beside, "kept": one.kept() }))
        .collect();
    println!("{}", json!({ "neighbour-throughput": rows, "under-80": under }));
}

/// One call, which also makes the guest ready.
async fn can_be_called(world: &World, guest: &Guest, installation: &Installation) -> bool {
    let event = event_for(installation, guest.header().zendesk, json!({ "call": 1 }));
    let report = world.lab.handle(installation, &event, 1).await;
    !matches!(report.end, CallEnd::Refused(_) | CallEnd::Held { .. })
}

async fn one(world: &World, neighbour: &Neighbour, guest: &Guest, installation: &Installation) -> Measured {
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(turns_a_second(world, neighbour).await);
        let attacking = attack(world, guest, installation);
        beside.push(turns_a_second(world, neighbour).await);
        attacking.abort();
        drop(attacking.await);
    }
    world.rogue.take();
    Measured { name: guest.name, alone: median(alone), beside: median(beside) }
}

/// Calls the guest again and again, until it is stopped.
fn attack(world: &World, guest: &Guest, installation: &Installation) -> tokio::task::JoinHandle<()> {
    let (runtime, installation, zendesk) = (world.lab.runtime.clone(), installation.clone(), guest.header().zendesk);
    tokio::spawn(async move {
        for call in 1u64.. {
            let event = event_for(&installation, zendesk, json!({ "call": call % 3 + 1, "loot": ["loot"] }));
            let report = runtime.handle(&installation, &event, 1).await;
            if matches!(report.end, CallEnd::Held { .. }) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    })
}

async fn turns_a_second(world: &World, neighbour: &Neighbour) -> f64 {
    let (before, began) = (neighbour.turns(), Instant::now());
    let stop = Arc::new(AtomicBool::new(false));
    let timer = async {
        tokio::time::sleep(SPAN).await;
        stop.store(true, Ordering::Relaxed);
    };
    let ((), lived) = tokio::join!(timer, neighbour.live(world, stop.clone()));
    lived.unwrap_or_else(|problem| panic!("{problem}"));
    (neighbour.turns() - before) as f64 / began.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
