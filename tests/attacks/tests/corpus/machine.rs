//! What the machine takes away by itself: plain programs that do one thing again and again, beside which the neighbour is measured as
//! it is beside each guest. What it loses to these no host could give it: caches, memory and the disk are shared.
//!
//! Each runs as a process of its own, that comes behind all others as a tenant does that uses much; one also as any other process.

use std::{
    fs::{self, File},
    hint::black_box,
    os::unix::fs::FileExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Tells the process that is started what to do.
const WHAT: &str = "ATTACKS_MACHINE";
/// The test that does it, by its name.
const TEST: &str = "machine::takes_away";
/// It ends by itself then, if nobody ends it.
const MOST: Duration = Duration::from_secs(20);
/// As large as what one call of a guest may have, and too large for an allocator to keep.
const MEMORY: usize = 40 << 20;
/// What is written before each time that a file is made durable: about as much as one commit of the log.
const WRITTEN: [u8; 16 << 10] = [1; 16 << 10];

/// What such a program does.
#[derive(Clone, Copy)]
pub struct Load {
    /// Its name in the table.
    pub name: &'static str,
    once: fn(&Path, u64),
    /// Whether it comes behind all others.
    behind: bool,
}

/// All of them.
pub const LOADS: [Load; 5] = [
    Load { name: "(a program that computes)", once: computes, behind: false },
    Load { name: "(a program that computes, behind)", once: computes, behind: true },
    Load { name: "(a program that fills 40 MiB and gives them back, behind)", once: fills, behind: true },
    Load { name: "(a program that makes one file durable, behind)", once: syncs, behind: true },
    Load { name: "(a program that makes new files durable, behind)", once: makes, behind: true },
];

/// A program that runs until this is dropped.
pub struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Starts one, that works in this directory.
pub fn start(load: &Load, dir: &Path) -> Program {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([TEST, "--exact", "--ignored"]).env(WHAT, load.name).current_dir(dir);
    Program(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

/// The program itself. It does nothing where nobody says what.
#[test]
#[ignore = "a program that others start"]
fn takes_away() {
    let Ok(name) = std::env::var(WHAT) else { return };
    let load = LOADS.iter().find(|load| load.name == name).unwrap();
    if load.behind {
        step_back();
    }
    let began = Instant::now();
    for turn in (0..).take_while(|_| began.elapsed() < MOST) {
        (load.once)(Path::new("."), turn);
    }
}

fn step_back() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy::Normal,
            set_thread_priority_and_policy, thread_native_id,
        };
        drop(set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, Normal(Idle)));
    }
}

fn computes(_: &Path, turn: u64) {
    black_box((0..100_000).fold(turn, |sum, number| black_box(sum ^ number).rotate_left(3)));
}

fn fills(_: &Path, turn: u64) {
    let mut all = vec![0_u8; MEMORY];
    all.fill(turn as u8 | 1);
    black_box(&all);
}

fn syncs(dir: &Path, turn: u64) {
    let path = dir.join(format!("one-{}", std::process::id()));
    let file = File::options().create(true).truncate(false).write(true).open(path).unwrap();
    file.write_all_at(&WRITTEN, turn % 256 * WRITTEN.len() as u64).unwrap();
    file.sync_data().unwrap();
}

fn makes(dir: &Path, turn: u64) {
    let path = dir.join(format!("new-{}-{turn}", std::process::id()));
    File::create(&path).and_then(|file| file.sync_all()).unwrap();
    fs::remove_file(path).unwrap();
}
