//! A log directory for tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{Checkpoint, LogKey, LogVerifier, Publisher, key::tests::Counter};

/// The entry of an index: as the host writes them, and all of the same length.
pub(crate) fn entry(index: u64) -> Vec<u8> {
    format!(
        r#"{{"actor":{{"type":"host"}},"detail":{{"n":{}}},"kind":"host.started","time":"2026-11-01T00:00:00.{:03}Z"}}"#,
        100_000 + index,
        index % 1000
    )
    .into_bytes()
}

/// The bytes that an entry takes in a bundle.
pub(crate) const STRIDE: usize = 105;

pub(crate) struct LogDir {
    dir: TempDir,
}

impl LogDir {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Publisher::create(&dir.path().join("log"), key()).unwrap();
        Self { dir }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    pub fn verifier(&self) -> LogVerifier {
        key().verifier()
    }

    pub fn vkey(&self) -> String {
        key().vkey()
    }

    /// Opens the log anew and appends.
    pub fn grow(&mut self, more: u64) -> Checkpoint {
        let mut publisher = Publisher::open(&self.path(), key()).unwrap();
        publisher.append(&entries(publisher.size(), more)).unwrap()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }

    /// Changes one bit of a byte.
    pub fn flip(&self, name: &str, at: usize) {
        let mut bytes = self.read(name);
        bytes[at] ^= 1 << (at % 8);
        self.write(name, &bytes);
    }

    /// The names of all files, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        walk(&self.path(), &self.path(), &mut names);
        names.sort();
        names
    }
}

/// The key of all logs of tests.
pub(crate) fn key() -> LogKey {
    LogKey::generate(&Counter(1))
}

pub(crate) fn entries(from: u64, count: u64) -> Vec<Vec<u8>> {
    (from..from + count).map(entry).collect()
}

fn walk(root: &Path, dir: &Path, names: &mut Vec<String>) {
    for item in fs::read_dir(dir).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            walk(root, &path, names);
        } else {
            names.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn entries_are_as_long_as_said() {
    for index in [0, 17, 70_000] {
        assert_eq!(entry(index).len() + 2, STRIDE);
    }
}
