//! What a neighbour keeps of its throughput while each guest attacks. It measures and asserts nothing about time: on a loaded
//! machine the figures mean little.
//!
//! Short spans with and without the guest follow one another, and each span with it is held against the spans just before
//! and after: what else the machine does, and how the database grows, hits both sides alike. Before the guests, plain programs
//! take their place: what the neighbour loses beside those is the machine's.

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
    Only,
    guest::{GUESTS, Guest},
    machine::{self, LOADS, Program},
    neighbour::Neighbour,
    run,
    world::{World, event_for},
};

/// How long each span is.
const SPAN: Duration = Duration::from_millis(150);
/// How long the guest runs before it counts, and how long it is gone before the next span without it.
const SETTLE: Duration = Duration::from_millis(15);
/// How many spans with the guest there are; one more is without it.
const ROUNDS: usize = 7;
/// What is to be kept.
const KEPT: f64 = 80.0;

struct Measured {
    name: &'static str,
    /// Calls a second, medians.
    alone: f64,
    beside: f64,
    /// Percent: the median of the rounds, and the middle half of them.
    kept: f64,
    quarter: f64,
    three_quarters: f64,
}

/// Measures for every guest that can be called, and prints a table and one line of JSON.
pub async fn measure(world: &World, only: &Only) {
    let neighbour = Neighbour::new(world).await;
    let mut all = Vec::new();
    let dir = tempfile::tempdir().unwrap();
    let mut machine = Vec::new();
    for load in LOADS {
        machine.push(one(world, &neighbour, load.name, || Attack::Program(machine::start(&load, dir.path()))).await);
    }
    println!("What this machine takes away by itself, and no host could give back:");
    print(&machine);
    for guest in GUESTS.iter().filter(|guest| only.has(guest.name)) {
        if let Some(installation) = run::installed(world, guest).await
            && can_be_called(world, guest, &installation).await
        {
            let begin = || Attack::Calls(attack(world, guest, &installation));
            all.push(one(world, &neighbour, guest.name, begin).await);
        }
    }
    all.sort_by(|a, b| a.kept.total_cmp(&b.kept));
    print(&all);
    let under = all.iter().filter(|one| one.kept < KEPT).count();
    println!("{under} of {} under {KEPT} %", all.len());
    let rows = |all: &[Measured]| -> Vec<_> {
        let row =
            |one: &Measured| json!({ "guest": one.name, "alone": one.alone, "beside": one.beside, "kept": one.kept });
        all.iter().map(row).collect()
    };
    println!("{}", json!({ "neighbour-throughput": rows(&all), "machine": rows(&machine), "under-80": under }));
}

fn print(all: &[Measured]) {
    println!("| guest | alone, calls/s | beside it, calls/s | kept, % | middle half, % |\n|---|---|---|---|---|");
    for Measured { name, alone, beside, kept, quarter, three_quarters } in all {
        let name = name.replace('_', " ");
        println!("| {name} | {alone:.0} | {beside:.0} | {kept:.0} | {quarter:.0} to {three_quarters:.0} |");
    }
}

/// One call, which also makes the guest ready.
async fn can_be_called(world: &World, guest: &Guest, installation: &Installation) -> bool {
    let event = event_for(installation, guest.header().zendesk, json!({ "call": 1 }));
    let report = world.lab.handle(installation, &event, 1).await;
    !matches!(report.end, CallEnd::Refused(_) | CallEnd::Held { .. })
}

/// What goes on beside the neighbour.
enum Attack {
    /// Calls of a guest.
    Calls(tokio::task::JoinHandle<()>),
    /// A program of the machine's.
    Program(Program),
}

impl Attack {
    async fn stop(self) {
        match self {
            Self::Calls(calls) => {
                calls.abort();
                drop(calls.await);
            }
            Self::Program(program) => drop(program),
        }
    }
}

async fn one(world: &World, neighbour: &Neighbour, name: &'static str, begin: impl Fn() -> Attack) -> Measured {
    let mut alone = vec![turns_a_second(world, neighbour).await];
    let mut beside = Vec::new();
    for _ in 0..ROUNDS {
        let attacking = begin();
        tokio::time::sleep(SETTLE).await;
        beside.push(turns_a_second(world, neighbour).await);
        attacking.stop().await;
        tokio::time::sleep(SETTLE).await;
        alone.push(turns_a_second(world, neighbour).await);
    }
    world.rogue.take();
    let around = alone.windows(2).map(|two| (two[0] + two[1]) / 2.0);
    let kept: Vec<f64> = beside.iter().zip(around).map(|(with, without)| 100.0 * with / without).collect();
    Measured {
        name,
        alone: part(alone, 0.5),
        beside: part(beside, 0.5),
        kept: part(kept.clone(), 0.5),
        quarter: part(kept.clone(), 0.25),
        three_quarters: part(kept, 0.75),
    }
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

/// The value below which this part of them is.
fn part(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}
