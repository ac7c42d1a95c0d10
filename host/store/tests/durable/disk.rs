//! A disk that is full, and one that is read-only: acts are refused with the reason, and go on once that is over.

use std::{io::BufRead as _, process::Command};

use portcullis_model::audit::{Kind, Recorder as _};
use portcullis_store::SqliteStore;

use crate::{
    check::block_on,
    process::Process,
    work::{dir, entry, say, store},
};

/// Not a test: a process on a disk of its own, which does what it is told.
#[test]
#[ignore = "started by the tests below"]
fn on_a_disk() {
    let mut store = Some(store().unwrap());
    for line in std::io::stdin().lock().lines() {
        let answer = match line.unwrap().as_str() {
            "act" => block_on(act(store.as_ref().unwrap())),
            "count" => block_on(count(store.as_ref().unwrap())),
            "fill" => fill(),
            "free" => std::fs::remove_file(dir().join("filler")).map_err(|error| error.to_string()),
            "close" => {
                store = None;
                // The writer ends once nobody can hand it anything.
                std::thread::sleep(std::time::Duration::from_millis(200));
                Ok(())
            }
            "open" => crate::work::store().map(|opened| store = Some(opened)).map_err(|error| error.to_string()),
            "read-only" => mount("remount,ro"),
            "writable" => mount("remount,rw"),
            other => panic!("{other}"),
        };
        say(&answer.map_or_else(|error| format!("refused: {error}"), |()| "done".into()));
    }
}

async fn act(store: &SqliteStore) -> Result<(), String> {
    store.record(vec![entry(Kind::ActDenied, 0)]).await.map_err(|error| error.to_string())
}

async fn count(store: &SqliteStore) -> Result<(), String> {
    let mut all = 0;
    loop {
        let part = store.entries(all, 1_000).await.map_err(|error| error.to_string())?;
        part.iter().try_for_each(|one| one.read().map(drop)).map_err(|error| error.to_string())?;
        all += part.len() as u64;
        if part.is_empty() {
            return Err(all.to_string());
        }
    }
}

fn fill() -> Result<(), String> {
    use std::io::Write as _;
    let mut filler = std::fs::File::create(dir().join("filler")).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        while filler.write_all(&vec![1; size]).is_ok() {}
    }
    Ok(())
}

fn mount(options: &str) -> Result<(), String> {
    let done = Command::new("mount").args(["-o", options]).arg(dir()).output().unwrap();
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

fn acts(process: &mut Process, most: u32) -> (u32, String) {
    for done in 0..most {
        let answer = process.say("act");
        if answer != "done" {
            return (done, answer);
        }
    }
    (most, "done".into())
}

#[test]
fn on_a_full_disk_acts_are_refused_and_go_on_once_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::on_a_small_disk("disk::on_a_disk", dir.path(), 24);
    assert_eq!(acts(&mut process, 50), (50, "done".into()));
    process.say("fill");
    let (before, refusal) = acts(&mut process, 5_000);
    assert!(before < 5_000, "the disk is full");
    assert!(refusal.contains("the audit log cannot be written") && refusal.contains("disk is full"), "{refusal}");
    // And again: nothing of what was refused is there.
    let (more, _) = acts(&mut process, 20);
    let there = format!("refused: {}", 50 + before + more);
    assert_eq!(process.say("count"), there, "what was answered for, no more and no less; and it can be read");
    process.say("free");
    assert_eq!(acts(&mut process, 50), (50, "done".into()), "it goes on by itself");
    assert_eq!(process.say("count"), format!("refused: {}", 100 + before + more));
    process.say("close");
    assert_eq!(process.say("open"), "done");
    assert_eq!(process.say("count"), format!("refused: {}", 100 + before + more));
}

#[test]
fn on_a_read_only_disk_nothing_starts_and_all_is_there_once_it_is_writable() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::on_a_small_disk("disk::on_a_disk", dir.path(), 24);
    assert_eq!(acts(&mut process, 50), (50, "done".into()));
    process.say("close");
    assert_eq!(process.say("read-only"), "done");
    let refusal = process.say("open");
    assert!(refusal.starts_with("refused:") && refusal.contains("cannot be written"), "{refusal}");
    assert_eq!(process.say("writable"), "done");
    assert_eq!(process.say("open"), "done");
    assert_eq!(process.say("count"), "refused: 50");
    assert_eq!(acts(&mut process, 50), (50, "done".into()));
}
