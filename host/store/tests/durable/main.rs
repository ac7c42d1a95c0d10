//! The audit log under bad luck: a process that is killed in the middle of its work two hundred times, a disk that is full, a disk that
//! is read-only. What was answered for is there, nothing is there in part, and it goes on by itself.
//!
//! `PORTCULLIS_KILLS` says how often to kill (200).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test, with processes that talk by their standard output"
)]

mod check;
mod disk;
mod process;
mod work;

use std::time::Duration;

use check::Checked;
use process::Process;

/// Moments that are different each time; the seed is printed.
struct Random(u64);

impl Random {
    fn announced() -> Self {
        let seed = std::process::id().into();
        println!("seed {seed}");
        Self(seed)
    }

    fn below(&mut self, most: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }
}

/// Not a test: the process that is killed.
#[test]
#[ignore = "started by killed_in_the_middle_again_and_again"]
fn worker() {
    work::run();
}

#[test]
fn killed_in_the_middle_again_and_again() {
    let kills: u64 = std::env::var("PORTCULLIS_KILLS").map_or(200, |text| text.parse().unwrap());
    let (dir, mut random) = (tempfile::tempdir().unwrap(), Random::announced());
    let (mut checked, mut acknowledged) = (Checked::default(), 0);
    for round in 0..kills {
        let mut worker = Process::start("worker", dir.path(), round);
        let mut answered = vec![worker.hear().unwrap()];
        std::thread::sleep(Duration::from_micros(random.below(40_000)));
        worker.kill();
        while let Some(line) = worker.hear() {
            answered.push(line);
        }
        acknowledged += answered.len();
        checked.go_on(dir.path(), &answered);
    }
    checked.whole(dir.path());
    println!(
        "{kills} kills, {acknowledged} acts acknowledged, {} entries, {} acts cut off",
        checked.entries(),
        checked.unknown
    );
    assert!(checked.unknown > 0, "no kill came in the middle of anything");
}
