use super::*;
use crate::{
    Publisher,
    key::{LogKey, tests::Counter},
    testing::{LogDir, STRIDE, entries, entry},
};

fn damaged(log: &LogDir) -> Vec<String> {
    match verify(&log.path(), &log.vkey(), None) {
        Ok(_) => Vec::new(),
        Err(error) => error.faults().iter().map(Fault::to_string).collect(),
    }
}

fn named(log: &LogDir) -> Vec<String> {
    let error = verify(&log.path(), &log.vkey(), None).unwrap_err();
    error.faults().iter().map(|fault| fault.file.clone()).collect()
}

/// A log of 300 entries with the partial files of sizes on the way.
fn small() -> LogDir {
    let mut log = LogDir::new();
    for more in [250, 20, 1, 29] {
        log.grow(more);
    }
    log
}

#[test]
fn reports_what_is_in_the_log() {
    let mut log = LogDir::new();
    let head = log.grow(300);
    let mut seen = Vec::new();
    let visit = |index: u64, bytes: &[u8]| seen.push((index, bytes.to_vec()));
    let report = verify_entries(&log.path(), &format!("{}\n", log.vkey()), None, visit).unwrap();
    assert_eq!(seen, (0..300).map(|index| (index, entry(index))).collect::<Vec<_>>());
    assert_eq!((report.size, report.root), (300, head.root().to_string()));
    assert_eq!((report.views, report.bare), (0, 300));
}

#[test]
fn a_flipped_bit_is_reported_and_only_its_file_is_named() {
    let log = small();
    let files = log.files();
    assert_eq!(files.len(), 10);
    for name in files {
        let length = log.read(&name).len();
        // Every hash of a tile is met, and every place in a hash.
        let step = if length > 2_000 {
            31
        } else if length > 250 {
            13
        } else {
            1
        };
        for at in (0..length).step_by(step).chain([length - 1]) {
            log.flip(&name, at);
            assert_eq!(named(&log), [&*name], "byte {at} of {name}: {:?}", damaged(&log));
            log.flip(&name, at);
        }
    }
    assert_eq!(damaged(&log), [""; 0]);
}

#[test]
fn a_flipped_bit_is_found_in_any_byte_of_a_tiny_log() {
    let mut log = LogDir::new();
    log.grow(1);
    log.grow(2);
    for name in log.files() {
        for at in 0..log.read(&name).len() {
            log.flip(&name, at);
            assert_eq!(named(&log), [&*name], "{at}");
            log.flip(&name, at);
        }
    }
}

#[test]
fn says_what_is_wrong() {
    let log = small();
    let check = |name: &str, change: &dyn Fn(&LogDir), expected: &[&str]| {
        let bytes = log.read(name);
        change(&log);
        assert_eq!(damaged(&log), expected);
        log.write(name, &bytes);
    };
    let (first, last, tile) = ("tile/entries/000", "tile/entries/001.p/44", "tile/0/000");
    check(
        first,
        &|log| log.flip(first, 17 * STRIDE + 9),
        &["tile/entries/000: entry 17 does not match its hash in tile/0/000"],
    );
    check(
        last,
        &|log| log.flip(last, 9),
        &["tile/entries/001.p/44: entry 256 does not match its hash in tile/0/001.p/44"],
    );
    check(tile, &|log| log.flip(tile, 33), &["tile/0/000: hash 1 is not that of entry 1 in tile/entries/000"]);
    check("tile/1/000.p/1", &|log| log.remove("tile/1/000.p/1"), &["tile/1/000.p/1 is missing"]);
    check(first, &|log| log.remove(first), &["tile/entries/000 is missing"]);
    check(tile, &|log| log.write(tile, &log.read(tile)[..8100]), &["tile/0/000 has 8,100 bytes instead of 8,192"]);
    let longer = |name: &str| [log.read(name), vec![0; 3]].concat();
    check(last, &|log| log.write(last, &longer(last)), &["tile/entries/001.p/44: 3 bytes after the last entry"]);
    check(
        tile,
        &|log| log.write(tile, &longer(tile)),
        &["tile/0/000 is longer than 8,192 bytes, the most it can have"],
    );
    let end = 44 * STRIDE - 1;
    check(
        last,
        &|log| log.write(last, &log.read(last)[..end]),
        &["tile/entries/001.p/44 ends inside the entry at position 43, of 44 entries"],
    );
    check("checkpoint", &|log| log.remove("checkpoint"), &["checkpoint is missing"]);
    check("checkpoint", &|log| log.write("checkpoint", b"x\n"), &["checkpoint is not a well-formed checkpoint"]);
    let key = LogVerifier::parse(&log.vkey()).unwrap();
    let bad = format!("checkpoint: signature does not verify with key {key}");
    check("checkpoint", &|log| log.flip("checkpoint", 28), &[&bad]);
}

#[test]
fn a_missing_file_is_named_and_no_other() {
    let log = small();
    for name in log.files() {
        let bytes = log.read(&name);
        log.remove(&name);
        // Partial files of older sizes may go at any time after the full one is there, and a bundle's beginning is in it.
        let needed = ["checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000"];
        if needed.contains(&&*name) || name == "tile/entries/001.p/44" {
            assert_eq!(named(&log), [&*name]);
        } else {
            assert_eq!(damaged(&log), [""; 0], "{name}");
        }
        log.write(&name, &bytes);
    }
}

#[test]
fn swapped_bundles_and_all_damaged_files_are_named() {
    let mut log = LogDir::new();
    log.grow(1100);
    let (a, b) = (log.read("tile/entries/001"), log.read("tile/entries/003"));
    log.write("tile/entries/001", &b);
    log.write("tile/entries/003", &a);
    assert_eq!(named(&log), ["tile/entries/001", "tile/entries/003"]);
    log.flip("tile/0/000", 3);
    log.remove("tile/0/002");
    log.flip("tile/0/004.p/76", 3);
    let expected = ["tile/0/000", "tile/entries/001", "tile/0/002", "tile/entries/003", "tile/0/004.p/76"];
    assert_eq!(named(&log), expected);
}

#[test]
fn an_entry_replaced_together_with_its_tile_is_found() {
    let mut log = LogDir::new();
    log.grow(600);
    let mut bundle = log.read("tile/entries/001");
    bundle[70] ^= 1;
    let hashes: Vec<_> = crate::bundle::split(&bundle, 256).unwrap().into_iter().map(tlog_tiles::record_hash).collect();
    log.write("tile/entries/001", &bundle);
    log.write("tile/0/001", &crate::tree::to_bytes(&hashes));
    assert_eq!(named(&log), ["tile/0/001", "tile/entries/001"]);
}

#[test]
fn a_badly_damaged_log_ends_the_check_at_twenty() {
    let mut log = LogDir::new();
    log.grow(40 * 256);
    for n in 0..40 {
        log.flip(&format!("tile/entries/{n:03}"), 5);
    }
    let error = verify(&log.path(), &log.vkey(), None).unwrap_err();
    assert_eq!(error.faults().len(), 20);
    assert!(error.to_string().ends_with("\nand possibly more: the check ended here"));
}

#[test]
fn another_logs_checkpoint_is_refused() {
    let (log, other) = (small(), tempfile::tempdir().unwrap());
    let mut publisher = Publisher::create(other.path(), LogKey::generate(&Counter(9))).unwrap();
    let theirs = publisher.append(&entries(0, 300)).unwrap();
    log.write("checkpoint", theirs.note());
    let key = LogVerifier::parse(&log.vkey()).unwrap();
    assert_eq!(damaged(&log), [format!("checkpoint is not signed by key {key}")]);
    assert!(matches!(verify(&log.path(), "key", None), Err(VerifyError::Key(_))));
}

#[test]
fn the_same_key_over_other_entries_is_found() {
    let (log, other) = (small(), tempfile::tempdir().unwrap());
    let mut publisher = Publisher::create(other.path(), crate::testing::key()).unwrap();
    let theirs = publisher.append(&entries(1, 300)).unwrap();
    log.write("checkpoint", theirs.note());
    assert_eq!(damaged(&log), ["checkpoint: its root hash is not that of the tiles and entries"]);
}

#[test]
fn a_rollback_is_valid_and_shorter_and_found_by_a_checkpoint_kept_elsewhere() {
    let mut log = LogDir::new();
    let old = log.grow(200);
    let kept = log.grow(100);
    log.grow(400);
    assert_eq!(verify(&log.path(), &log.vkey(), Some(&kept)).unwrap().size, 700);
    log.write("checkpoint", old.note());
    assert_eq!(verify(&log.path(), &log.vkey(), None).unwrap().size, 200);
    assert_eq!(verify(&log.path(), &log.vkey(), Some(&old)).unwrap().size, 200);
    let error = verify(&log.path(), &log.vkey(), Some(&kept)).unwrap_err();
    assert_eq!(error.to_string(), "checkpoint has 200 entries, but 300 were signed before: rolled back");
}

#[test]
fn a_rewritten_log_does_not_continue_a_kept_checkpoint() {
    let (mut log, other) = (LogDir::new(), tempfile::tempdir().unwrap());
    let kept = log.grow(300);
    let mut publisher = Publisher::create(other.path(), crate::testing::key()).unwrap();
    for more in [300, 100] {
        publisher.append(&entries(1 + publisher.size(), more)).unwrap();
        let error = verify(other.path(), &log.vkey(), Some(&kept)).unwrap_err();
        assert_eq!(error.to_string(), "checkpoint does not continue the log that was signed at 300 entries");
    }
}

/// A log of heads of two views, in turns, with some of the leaves changed by whoever holds the key.
fn heads(size: u64, change: impl Fn(&mut Vec<crate::Leaf>)) -> Result<Report, VerifyError> {
    let mut views = [crate::View::new("0a".repeat(16)), crate::View::new("0b".repeat(16))];
    let mut leaves = (0..size).map(|index| views[index as usize % 2].push(index, &entry(index))).collect();
    change(&mut leaves);
    let dir = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::create(&dir.path().join("log"), crate::testing::key()).unwrap();
    publisher.append(&leaves.iter().map(crate::Leaf::encode).collect::<Vec<_>>()).unwrap();
    verify(&dir.path().join("log"), &crate::testing::key().vkey(), None)
}

#[test]
fn heads_that_contradict_one_another_are_found_though_the_key_signed_them() {
    let report = heads(600, |_| ()).unwrap();
    assert_eq!((report.size, report.views, report.bare), (600, 2, 0));
    let refused = |what: &str, change: &dyn Fn(&mut Vec<crate::Leaf>)| {
        let error = heads(600, change).unwrap_err().to_string();
        assert!(error.contains(what), "{what}: {error}");
    };
    refused("entry 7: it says that it is entry 9: it was moved", &|leaves| leaves.swap(7, 9));
    refused("entry 301: the root of view", &|leaves| leaves[301].entry = leaves[0].entry);
    refused("entry 8: the root of view", &|leaves| leaves[8].view = leaves[9].view.clone());
    refused("has 4 entries, and before it had 4", &|leaves| {
        let mut shown_twice = leaves[7].clone();
        shown_twice.index = 8;
        leaves[8] = shown_twice;
    });
    refused("has 151 entries, and before it had 149", &|leaves| {
        leaves.drain(298..300);
        leaves.iter_mut().zip(0..).for_each(|(leaf, index)| leaf.index = index);
    });
}
