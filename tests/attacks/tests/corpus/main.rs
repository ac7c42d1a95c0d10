//! The attack corpus: every guest, run by the real host, and what must happen. Prints one table.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "functions that the tests share")]

mod answers;
mod component;
mod egress;
mod files;
mod guest;
mod limits;
mod logs;
mod machine;
mod neighbour;
mod rogue;
mod run;
mod table;
mod tenants;
mod throughput;
mod tickets;
mod world;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use guest::GUESTS;
use neighbour::Neighbour;
use table::Row;
use world::World;

/// As many guests as there must be at the least.
const LEAST: usize = 75;

/// Which guests are run: parts of their names, with commas between them, in `ATTACKS_ONLY`; all where it is not set.
pub struct Only(Vec<String>);

impl Only {
    fn asked() -> Self {
        let text = std::env::var("ATTACKS_ONLY").unwrap_or_default();
        Self(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, name: &str) -> bool {
        self.is_all() || self.0.iter().any(|part| name.contains(part.as_str()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_guest_is_contained() {
    let only = Only::asked();
    let world = World::new().await;
    let neighbour = Neighbour::new(&world).await;
    let mut rows = Vec::new();
    for guest in GUESTS.iter().filter(|guest| only.has(guest.name)) {
        let stop = Arc::new(AtomicBool::new(false));
        let attacking = async {
            let done = run::run(&world, guest).await;
            stop.store(true, Ordering::Relaxed);
            done
        };
        let ((ran, result), beside) = tokio::join!(attacking, neighbour.live(&world, stop.clone()));
        if std::env::var_os("ATTACKS_VERBOSE").is_some() {
            ran.ends().for_each(|(count, end)| eprintln!("{}: {count} x {end}", guest.name));
            eprintln!("{}: {:?} in all, the slowest of many {:?}", guest.name, ran.lived, ran.slowest);
        }
        let problem = result.err().or(beside.err());
        if let Some(problem) = &problem {
            eprintln!("{}: {problem}", guest.name);
        }
        rows.push(Row { name: guest.name, header: guest.header(), outcome: ran.outcome, lived: ran.lived, problem });
    }
    table::print(&rows);
    let (grown, sane) = world.growth();
    println!(
        "{} guests; the neighbour was called {} times; the process grew by {grown} MiB",
        rows.len(),
        neighbour.turns()
    );
    log_holds(&world).await;
    let problems: Vec<String> =
        rows.iter().filter_map(|row| Some(format!("{}: {}", row.name, row.problem.as_ref()?))).collect();
    assert!(problems.is_empty(), "{} not contained:\n{}", problems.len(), problems.join("\n"));
    assert!(sane, "the process grew by {grown} MiB");
    if only.is_all() {
        assert!(rows.len() >= LEAST, "only {} guests", rows.len());
        match std::env::var_os("ATTACKS_DOC") {
            Some(_) => table::write(&rows),
            None => assert_eq!(table::stale(&rows), None, "docs/security/attacks.md is stale: run 'make attacks'"),
        }
    }
}

/// The figures of `make bench`.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "measures; make bench runs it"]
async fn neighbours_keep_their_throughput() {
    throughput::measure(&World::new().await, &Only::asked()).await;
}

/// Publishes the log and checks it against its key, as `portcullis audit verify` does.
async fn log_holds(world: &World) {
    world.lab.run().await.stop().await;
    let home = &world.lab.host.home;
    let vkey = std::fs::read_to_string(home.log_vkey()).unwrap();
    let entries = world.lab.stored_entries().await;
    let mut same = 0;
    let report = portcullis_audit::verify_entries(&home.log(), vkey.trim(), None, |index, leaf| {
        let leaf = portcullis_audit::Leaf::read(leaf).unwrap();
        let is_of = |body: &[u8]| portcullis_audit::record_hash(body) == leaf.entry;
        same += usize::from(entries.get(index as usize).is_some_and(|entry| is_of(&entry.body)));
    });
    let report = report.unwrap_or_else(|error| panic!("the audit log does not verify: {error}"));
    println!("the audit log verifies: {} entries", report.size);
    assert_eq!((report.size as usize, same), (entries.len(), entries.len()), "the log is not what the store has");
}
