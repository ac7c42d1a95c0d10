use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, io};

use tlog_tiles::record_hash;

use super::*;
use crate::{
    LogKey,
    key::tests::Counter,
    testing::{LogDir, STRIDE, entries, entry, key},
    tree::tests::naive,
    verify,
};

fn holds(log: &LogDir, size: u64) {
    let report = verify(&log.path(), &log.vkey(), None).unwrap_or_else(|error| panic!("at {size}: {error}"));
    let leaves: Vec<_> = (0..size).map(|index| record_hash(&entry(index))).collect();
    assert_eq!((report.size, report.root), (size, naive(&leaves).to_string()));
}

#[test]
fn the_root_is_that_of_the_rfc_at_every_size() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 513] {
        for step in [1, 37, 256, 600] {
            if step == 1 && size > 2 {
                continue;
            }
            let mut log = LogDir::new();
            let mut left = size;
            while left > 0 {
                log.grow(left.min(step));
                left -= left.min(step);
            }
            holds(&log, size);
        }
    }
}

#[test]
fn seventy_thousand_entries_make_the_tiles_of_the_specification() {
    let log = LogDir::new();
    let mut publisher = Publisher::open(&log.path(), key()).unwrap();
    let mut seed = 1u64;
    while publisher.size() < 70_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let batch = ((seed >> 33) % 9_000).min(70_000 - publisher.size());
        publisher.append(&entries(publisher.size(), batch)).unwrap();
    }
    holds(&log, 70_000);
    let files = log.files();
    let full = |prefix: &str| files.iter().filter(|name| name.starts_with(prefix) && !name.contains(".p/")).count();
    assert_eq!([full("tile/0/"), full("tile/1/"), full("tile/2/"), full("tile/entries/")], [273, 1, 0, 273]);
    for partial in ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"] {
        assert!(files.iter().any(|name| name == partial), "{partial}");
    }
    assert!(!files.iter().any(|name| name.starts_with("tile/1/000.p")));
}

#[test]
fn partial_files_go_when_the_full_one_is_there_and_not_before() {
    let mut log = LogDir::new();
    log.grow(255);
    log.grow(0);
    assert_eq!(log.files(), ["checkpoint", "tile/0/000.p/255", "tile/entries/000.p/255"]);
    log.grow(1);
    assert_eq!(log.files(), ["checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
}

#[test]
fn a_log_is_begun_once_and_opened_only_whole() {
    let mut log = LogDir::new();
    assert!(matches!(Publisher::create(&log.path(), key()), Err(LogError::Exists(_))));
    log.grow(300);
    let damage = |name: &str, at: usize| {
        log.flip(name, at);
        let error = Publisher::open(&log.path(), key()).err().map(|error| error.to_string());
        log.flip(name, at);
        error.unwrap()
    };
    assert!(damage("tile/0/001.p/44", 5).contains("root hash"));
    assert!(damage("tile/1/000.p/1", 5).contains("root hash"));
    assert!(damage("tile/entries/001.p/44", 5).contains("tile/entries/001.p/44: its entries"));
    assert!(damage("tile/entries/001.p/44", 1).contains("tile/entries/001.p/44"));
    assert!(damage("checkpoint", 30).contains("checkpoint"));
    log.remove("checkpoint");
    assert!(matches!(Publisher::open(&log.path(), key()), Err(LogError::Damaged(_))));
    assert!(matches!(Publisher::create(&log.path(), key()), Err(LogError::Exists(_))));
}

#[test]
fn the_head_moves_only_from_where_it_was_read() {
    let mut log = LogDir::new();
    let mut first = Publisher::open(&log.path(), key()).unwrap();
    log.grow(3);
    assert!(matches!(first.append(&entries(0, 1)), Err(LogError::Moved(0))));
    assert!(matches!(first.append::<Vec<u8>>(&[]), Err(LogError::Moved(0))));
    holds(&log, 3);
}

#[test]
fn an_entry_that_is_too_long_is_refused_before_anything_is_written() {
    let log = LogDir::new();
    let mut publisher = Publisher::open(&log.path(), key()).unwrap();
    let error = publisher.append(&[vec![0; 65_535], vec![0; 65_536]]).unwrap_err();
    assert!(matches!(error, LogError::TooLong { index: 1, bytes: 65_536 }));
    assert_eq!(log.files(), ["checkpoint"]);
    publisher.append(&[vec![0; 65_535]]).unwrap();
    assert_eq!(verify(&log.path(), &log.vkey(), None).unwrap().size, 1);
}

#[test]
fn other_entries_after_a_rollback_are_a_fork_and_the_same_are_not() {
    let mut log = LogDir::new();
    log.grow(200);
    let old = log.read(CHECKPOINT);
    log.grow(100);
    log.write(CHECKPOINT, &old);
    let mut publisher = Publisher::open(&log.path(), key()).unwrap();
    let before: Vec<_> = log.files().iter().map(|name| log.read(name)).collect();
    let error = publisher.append(&entries(7, 100)).unwrap_err();
    assert!(matches!(error, LogError::Fork(name) if name == "tile/entries/000"));
    assert_eq!(log.files().iter().map(|name| log.read(name)).collect::<Vec<_>>(), before);
    publisher.append(&entries(200, 100)).unwrap();
    holds(&log, 300);
}

/// Pulls the plug at the nth step, in one of the ways in which that can go.
struct Faulty {
    steps: AtomicUsize,
    torn: Option<usize>,
}

impl Faulty {
    fn step(&self) -> io::Result<bool> {
        let left = self.steps.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let last = left.map_err(|_| io::Error::other("no power"))?;
        Ok(last > 1)
    }
}

impl Disk for Faulty {
    fn put(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.step()? {
            return Durable.put(file, bytes);
        }
        if let Some(part) = self.torn
            && !file.ends_with(CHECKPOINT)
        {
            fs::create_dir_all(file.parent().unwrap())?;
            fs::write(file, &bytes[..bytes.len() * part / 100])?;
        }
        let mut temporary = file.as_os_str().to_owned();
        temporary.push(".tmp");
        let _ = fs::write(temporary, &bytes[..bytes.len() / 2]);
        Err(io::Error::other("no power"))
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        if self.step()? { Durable.sync(path) } else { Err(io::Error::other("no power")) }
    }

    fn remove(&self, folder: &Path) -> io::Result<()> {
        if self.step()? { Durable.remove(folder) } else { Err(io::Error::other("no power")) }
    }
}

/// Appends 400 entries to 200, with the plug pulled at this step. Gives whether it went through.
fn interrupted(log: &mut LogDir, steps: usize, torn: Option<usize>) -> bool {
    log.grow(200);
    let disk = Box::new(Faulty { steps: AtomicUsize::new(steps), torn });
    let mut publisher = Publisher::open_on(&log.path(), key().into(), disk).unwrap();
    publisher.append(&entries(200, 400)).is_ok()
}

#[test]
fn a_crash_at_any_step_leaves_a_valid_log_that_grows() {
    for (torn, stride) in [(None, 1), (Some(50), 1), (Some(0), 4), (Some(100), 4)] {
        let mut steps = 1;
        let mut went_through = 0;
        // What comes after the head has moved is only the removal of what is not needed any more.
        while went_through < 3 {
            let mut log = LogDir::new();
            went_through += usize::from(interrupted(&mut log, steps, torn));
            let size = verify(&log.path(), &log.vkey(), None).unwrap().size;
            assert!(size == 200 || size == 600, "{size} after {steps}");
            // A file is never torn under its own name, unless the disk lies: then the same batch heals it.
            let more = if torn.is_none() && steps % 2 == 0 { 1 } else { 400 };
            log.grow(more);
            log.grow(57);
            holds(&log, size + more + 57);
            steps += stride;
        }
        assert!((15..40).contains(&steps), "{steps}");
    }
}

#[test]
fn a_publisher_goes_on_after_the_disk_failed() {
    let mut log = LogDir::new();
    log.grow(200);
    let disk = Box::new(Faulty { steps: AtomicUsize::new(2), torn: None });
    let mut publisher = Publisher::open_on(&log.path(), key().into(), disk).unwrap();
    assert!(matches!(publisher.append(&entries(200, 1)), Err(LogError::Io { .. })));
    assert_eq!(publisher.size(), 200);
    publisher.disk = Box::new(Durable);
    publisher.append(&entries(200, 100)).unwrap();
    holds(&log, 300);
}

#[test]
fn what_a_crash_took_from_uncommitted_files_is_written_again() {
    let mut log = LogDir::new();
    log.grow(200);
    let (old, before) = (log.read(CHECKPOINT), log.files());
    log.grow(400);
    let fresh: Vec<String> = log.files().into_iter().filter(|name| !before.contains(name)).collect();
    for name in &fresh {
        for keep in [0, STRIDE - 1] {
            let bytes = log.read(name);
            log.write(CHECKPOINT, &old);
            log.write(name, &bytes[..keep.min(bytes.len() - 1)]);
            // The files of the old size were removed when the new ones were full.
            fs::create_dir_all(log.path().join("tile/entries/000.p")).unwrap();
            fs::create_dir_all(log.path().join("tile/0/000.p")).unwrap();
            let leaves: Vec<_> = (0..200).flat_map(|index| record_hash(&entry(index)).0).collect();
            log.write("tile/0/000.p/200", &leaves);
            let mut bundle = Vec::new();
            (0..200).for_each(|index| assert!(bundle::push(&mut bundle, &entry(index))));
            log.write("tile/entries/000.p/200", &bundle);
            holds(&log, 200);
            log.grow(400);
            holds(&log, 600);
        }
    }
    assert_eq!(fresh.len(), 7);
}

#[test]
fn a_log_goes_on_under_another_name_with_what_it_had() {
    let mut log = LogDir::new();
    let ended = log.grow(300);
    let fresh = LogKey::generate(&Counter(9));
    let (old, new) = (log.verifier(), fresh.verifier());
    assert!(Publisher::begin_anew(&log.path(), &new, LogKey::generate(&Counter(17))).is_err(), "not its log");
    assert!(Publisher::begin_anew(&log.path(), &old, key()).is_err(), "its own name");
    let mut publisher = Publisher::begin_anew(&log.path(), &old, fresh).unwrap();
    assert_eq!((publisher.size(), publisher.head().root()), (300, ended.root()));
    publisher.append(&entries(300, 5)).unwrap();
    assert_eq!(crate::verify(&log.path(), &new.vkey(), None).unwrap().size, 305);
    assert!(Publisher::open(&log.path(), key()).is_err(), "under the old name nothing is signed any more");
}
