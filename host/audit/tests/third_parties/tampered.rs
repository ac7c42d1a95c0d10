//! What each of them refuses: flipped bits, a truncated, a reordered and a forked log, an entry moved between tenants; also where
//! whoever holds the key did it and signed it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use portcullis_audit::{Leaf, Log, Publisher};

use crate::{
    aics, go,
    world::{ENTRIES, World, body, key, whose},
};

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1 << (at % 8);
    fs::write(file, bytes).unwrap();
}

/// Puts a text in place of another of the same length.
fn flip_text(file: &Path, from: &str, to: &str) {
    let mut bytes = fs::read(file).unwrap();
    let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
    bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    fs::write(file, bytes).unwrap();
}

/// Refused by Go and by aics-tlog.
#[track_caller]
fn both_refuse(what: &str, log: &Path, vkey: &str, older: &[PathBuf]) {
    let said = go("log", log, vkey, older);
    assert!(said.as_ref().is_err_and(|said| said.contains("REFUSED")), "Go, {what}: {said:?}");
    if let Some(said) = aics(log, vkey, older.last().map(PathBuf::as_path)) {
        assert!(said.is_err(), "aics-tlog, {what}: {said:?}");
    }
}

/// The files that the newest checkpoint needs.
fn files(world: &World) -> Vec<PathBuf> {
    let of = |name: &str| world.log().join(name);
    let names = ["checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"];
    let bundles = ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/188"];
    names.iter().chain(&bundles).map(|name| of(name)).collect()
}

#[test]
fn a_flipped_bit_anywhere() {
    let world = World::new();
    for file in files(&world) {
        let length = fs::metadata(&file).unwrap().len() as usize;
        for at in [0, length / 3, length / 2, length - 1] {
            flip(&file, at);
            let said = go("log", &world.log(), &world.vkey(), &[]);
            assert!(said.is_err(), "{} {at}", file.display());
            flip(&file, at);
        }
    }
    // aics-tlog flips bits of a copy of all files by itself: see the test that it verifies the log.
    flip(&files(&world)[1], 77);
    both_refuse("a flipped bit", &world.log(), &world.vkey(), &[]);
    let proof = world.proof(300);
    let text = fs::read_to_string(&proof).unwrap();
    for (from, to) in
        [("host.started", "host.stopped"), ("\"index\": 300", "\"index\": 301"), ("size\\\":", "sizE\\\":")]
    {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        fs::write(&proof, changed).unwrap();
        assert!(go("proof", &proof, &world.vkey(), &[]).is_err(), "{from}");
    }
}

#[test]
fn a_truncated_log() {
    let world = World::new();
    let newest = world.older.last().unwrap().clone();
    for file in files(&world) {
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() - 40]).unwrap();
        both_refuse("a truncated file", &world.log(), &world.vkey(), &[]);
        fs::write(&file, whole).unwrap();
    }
    // Taken back to an older checkpoint, it is a log: for whoever kept a newer one it is none.
    fs::copy(&world.older[2], world.log().join("checkpoint")).unwrap();
    both_refuse("rolled back", &world.log(), &world.vkey(), &[newest]);
}

/// A log with other leaves, signed by whoever holds the key.
fn signed(leaves: &[Vec<u8>]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    Publisher::create(&log, key()).unwrap().append(leaves).unwrap();
    (dir, log)
}

fn leaves(world: &World) -> Vec<Vec<u8>> {
    let mut leaves = Vec::new();
    let log = Log::open(&world.log(), &world.verifier()).unwrap();
    log.entries(0..ENTRIES, |_, leaf| leaves.push(leaf.to_vec())).unwrap();
    leaves
}

#[test]
fn a_reordered_log() {
    let world = World::new();
    let mut leaves = leaves(&world);
    leaves.swap(300, 301);
    let (_dir, log) = signed(&leaves);
    let said = go("log", &log, &world.vkey(), &[]).unwrap_err();
    assert!(said.contains("entry 300: it says that it is entry 301"), "{said}");
    both_refuse("reordered, and signed", &log, &world.vkey(), &world.older[3..]);
    let bundle = fs::read(log.join("tile/entries/001")).unwrap();
    fs::write(world.log().join("tile/entries/001"), bundle).unwrap();
    both_refuse("reordered in a file", &world.log(), &world.vkey(), &[]);
}

#[test]
fn a_forked_log() {
    let world = World::new();
    let other = World::with(whose, |index| if index == 500 { b"another".to_vec() } else { body(index) });
    assert!(go("log", &other.log(), &world.vkey(), &other.older).is_ok(), "it is a log of the same key");
    both_refuse("forked", &other.log(), &world.vkey(), &world.older[3..]);
    let (view, others) = (&world.views[whose(500)], &other.views[whose(500)]);
    let copy = other.copy(others);
    assert!(go("view", &copy, &world.view_vkey(view), &others.older).is_ok());
    assert!(go("view", &copy, &world.view_vkey(view), &view.older).is_err(), "a view of the same key, forked");
}

#[test]
fn an_entry_moved_between_tenants() {
    let world = World::new();
    let (from, to) = (&world.views[whose(299)], &world.views[1 - whose(299)]);
    let mut moved: Vec<Leaf> = leaves(&world).iter().map(|leaf| Leaf::read(leaf).unwrap()).collect();
    moved[299].view = to.view.tag().to_owned();
    let (_dir, log) = signed(&moved.iter().map(Leaf::encode).collect::<Vec<_>>());
    let said = go("log", &log, &world.vkey(), &[]).unwrap_err();
    assert!(said.contains("entry 299: view"), "{said}");
    both_refuse("moved in the log, and signed", &log, &world.vkey(), &world.older[3..]);
    // All made anew as if it had been the other's from the beginning: a fork.
    let other = World::with(|index| if index == 299 { 1 - whose(index) } else { whose(index) }, body);
    both_refuse("moved, and all made anew", &other.log(), &world.vkey(), &world.older[3..]);
    // In a tenant's own copy.
    let theirs = world.copy(from);
    let bundle = String::from_utf8_lossy(&fs::read(theirs.join("tile/entries/000")).unwrap()).into_owned();
    let (own, others) = (r#""nonce":"302""#, r#""nonce":"303""#);
    assert!(bundle.contains(own) && whose(302) != whose(303));
    flip_text(&theirs.join("tile/entries/000"), own, others);
    assert!(go("view", &theirs, &world.view_vkey(from), &[]).is_err());
    if let Some(said) = aics(&theirs, &world.view_vkey(from), None) {
        assert!(said.is_err(), "{said:?}");
    }
    assert!(go("view", &theirs, &world.view_vkey(to), &[]).is_err(), "another's view under this name");
}
