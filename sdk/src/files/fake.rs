//! The directory of plain tests: a map that keeps the real host's rules.

use std::collections::{BTreeMap, BTreeSet};

use super::Entry;
use crate::Limit;
use crate::testing::{Host, with_host};
use crate::types::WitError;

const FILE_BYTES: usize = 4 * 1024 * 1024;
const DIRECTORY_BYTES: u64 = 4096;
const DIRECTORY_ENTRIES: usize = 1_000;
const ENTRIES: usize = 10_000;
const PARTS: usize = 8;
const PART_BYTES: usize = 128;

/// Files by path, and directories.
#[derive(Clone, Default)]
struct Tree {
    files: BTreeMap<String, Vec<u8>>,
    directories: BTreeSet<String>,
}

impl Host {
    /// Puts a file into the installation's directory.
    ///
    /// # Panics
    /// When the path is none, or something else is there.
    #[track_caller]
    pub fn with_file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let put = check(path).and_then(|()| self.part(|tree: &mut Tree| tree.write(path, content.as_ref(), u64::MAX)));
        assert!(put.is_ok(), "`{path}` cannot be a file: {put:?}");
        self
    }

    /// What is in a file now.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.part(|tree: &mut Tree| tree.files.get(path).cloned())
    }
}

impl Tree {
    fn used(&self) -> u64 {
        let files: usize = self.files.values().map(Vec::len).sum();
        files as u64 + DIRECTORY_BYTES * self.directories.len() as u64
    }

    fn is_directory(&self, path: &str) -> bool {
        path.is_empty() || self.directories.contains(path)
    }

    /// What is right in a directory.
    fn list(&self, path: &str) -> Vec<Entry> {
        let name = |other: &str| {
            let below = if path.is_empty() { Some(other) } else { other.strip_prefix(path)?.strip_prefix('/') };
            below.filter(|name| !name.contains('/')).map(str::to_owned)
        };
        let files = self.files.iter().filter_map(|(other, content)| {
            Some(Entry { name: name(other)?, directory: false, size: content.len() as u64 })
        });
        let directories =
            self.directories.iter().filter_map(|other| Some(Entry { name: name(other)?, directory: true, size: 0 }));
        let mut all: Vec<Entry> = files.chain(directories).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// All or nothing.
    fn write(&mut self, path: &str, content: &[u8], quota: u64) -> Result<(), WitError> {
        let mut after = self.clone();
        for (end, _) in path.match_indices('/') {
            if self.files.contains_key(&path[..end]) {
                return Err(WitError::Conflict);
            }
            after.directories.insert(path[..end].to_owned());
        }
        if self.is_directory(path) {
            return Err(WitError::Conflict);
        }
        after.files.insert(path.to_owned(), content.to_vec());
        if after.used() > quota {
            return Err(limited("files-bytes", quota));
        }
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        for (count, most) in
            [(after.files.len() + after.directories.len(), ENTRIES), (after.list(parent).len(), DIRECTORY_ENTRIES)]
        {
            if count > most && !self.files.contains_key(path) {
                return Err(limited("files-entries", most as u64));
            }
        }
        *self = after;
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), WitError> {
        if !self.list(path).is_empty() {
            return Err(WitError::Conflict);
        }
        self.directories.remove(path);
        self.files.remove(path);
        Ok(())
    }
}

pub(super) fn read(path: &str) -> Result<Vec<u8>, WitError> {
    check_file(path)?;
    with_host(|host| {
        host.require("files:read", &[])?;
        host.part(|tree: &mut Tree| match tree.is_directory(path) {
            true => Err(WitError::Invalid("path: expected a file; a directory is there".to_owned())),
            false => tree.files.get(path).cloned().ok_or(WitError::NotFound),
        })
    })
}

pub(super) fn write(path: &str, content: &[u8]) -> Result<(), WitError> {
    check_file(path)?;
    if content.len() > FILE_BYTES {
        return Err(WitError::Invalid("content: at most 4 MiB".to_owned()));
    }
    with_host(|host| {
        host.require("files:write", &[])?;
        let quota = host.greatest("files:write", "bytes");
        host.part(|tree: &mut Tree| tree.write(path, content, quota))
    })
}

pub(super) fn remove(path: &str) -> Result<(), WitError> {
    check_file(path)?;
    with_host(|host| {
        host.require("files:write", &[])?;
        host.part(|tree: &mut Tree| tree.remove(path))
    })
}

pub(super) fn list(path: &str) -> Result<Vec<Entry>, WitError> {
    check(path)?;
    with_host(|host| {
        host.require("files:read", &[])?;
        host.part(|tree: &mut Tree| match tree.is_directory(path) {
            true => Ok(tree.list(path)),
            false if tree.files.contains_key(path) => {
                Err(WitError::Invalid("path: expected a directory; a file is there".to_owned()))
            }
            false => Err(WitError::NotFound),
        })
    })
}

fn limited(name: &str, allowed: u64) -> WitError {
    WitError::Limited(Limit { name: name.to_owned(), allowed, retry_after_ms: None })
}

fn check_file(path: &str) -> Result<(), WitError> {
    match path {
        "" => Err(WitError::Invalid("path: expected a name, not the directory itself".to_owned())),
        path => check(path),
    }
}

fn check(path: &str) -> Result<(), WitError> {
    let fine = |part: &str| {
        let plain = (1..=PART_BYTES).contains(&part.len()) && !part.chars().any(|c| c.is_control() || c == '\\');
        plain && part != "." && part != ".."
    };
    if path.is_empty() || (path.split('/').count() <= PARTS && path.split('/').all(fine)) {
        return Ok(());
    }
    Err(WitError::Invalid(
        "path: at most 8 parts divided by '/', each 1 to 128 bytes, none of them '.' or '..'".to_owned(),
    ))
}
