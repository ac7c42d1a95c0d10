//! Durable writes to the log directory.
//!
//! Invariants: a file appears under its name whole or not at all; its bytes are durable before its name is; a name is
//! durable once its folder is synced.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use crate::fault::LogError;

/// The few things that publishing does to a disk. A port, so that tests can pull the plug after any of them.
pub(crate) trait Disk: Send + Sync {
    /// Writes a file, durably, then gives it its name.
    fn put(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file's bytes, or a folder's names, durable.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder and what is in it.
    fn remove(&self, folder: &Path) -> io::Result<()>;
}

/// The real one.
pub(crate) struct Durable;

impl Disk for Durable {
    fn put(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let temporary = temporary(file);
        let mut handle = File::create(&temporary)?;
        handle.write_all(bytes)?;
        handle.sync_all()?;
        fs::rename(&temporary, file)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn remove(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir_all(folder)
    }
}

/// The ending of a file that has not got its name yet. What a crash leaves is overwritten by the next try.
pub(crate) const TEMPORARY: &str = ".tmp";

fn temporary(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(TEMPORARY);
    name.into()
}

/// Keeps other publishers out until it is dropped, or their process ends.
pub(crate) fn lock(dir: &Path) -> Result<File, LogError> {
    let handle = File::open(dir).map_err(LogError::io(dir.display()))?;
    handle.lock().map_err(LogError::io(dir.display()))?;
    Ok(handle)
}

/// Files that belong together: written one by one, and durable after [`Batch::finish`].
pub(crate) struct Batch<'a> {
    dir: &'a Path,
    disk: &'a dyn Disk,
    /// Folders whose own names are known to be durable.
    known: &'a BTreeSet<PathBuf>,
    fresh: BTreeSet<PathBuf>,
    to_sync: BTreeSet<PathBuf>,
}

impl<'a> Batch<'a> {
    pub fn new(dir: &'a Path, disk: &'a dyn Disk, known: &'a BTreeSet<PathBuf>) -> Self {
        Self { dir, disk, known, fresh: BTreeSet::new(), to_sync: BTreeSet::new() }
    }

    /// Writes a file that never changes. One that holds the same bytes is kept, and one that holds only their
    /// beginning, as a crash leaves it, is replaced; any other is a fork.
    pub fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), LogError> {
        let file = self.dir.join(name);
        let done = match fs::read(&file) {
            Ok(found) if found == bytes => self.disk.sync(&file),
            Ok(found) if !bytes.starts_with(&found) => return Err(LogError::Fork(name.to_owned())),
            Ok(_) => self.disk.put(&file, bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => self.disk.put(&file, bytes),
            Err(error) => Err(error),
        };
        done.map_err(LogError::io(file.display()))?;
        self.remember(&file);
        Ok(())
    }

    fn remember(&mut self, file: &Path) {
        let mut folders = file.ancestors().skip(1);
        let Some(mut folder) = folders.next() else { return };
        self.to_sync.insert(folder.to_owned());
        for parent in folders {
            if folder == self.dir || self.known.contains(folder) || !self.fresh.insert(folder.to_owned()) {
                return;
            }
            self.to_sync.insert(parent.to_owned());
            folder = parent;
        }
    }

    /// Makes all names durable. Gives the folders whose names are now known to be.
    pub fn finish(self) -> Result<BTreeSet<PathBuf>, LogError> {
        for folder in &self.to_sync {
            self.disk.sync(folder).map_err(LogError::io(folder.display()))?;
        }
        Ok(self.fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_is_kept_a_torn_one_replaced_and_another_one_refused() {
        let dir = tempfile::tempdir().unwrap();
        let none = BTreeSet::new();
        let put = |bytes: &[u8]| Batch::new(dir.path(), &Durable, &none).put("tile/0/000", bytes);
        let found = || fs::read(dir.path().join("tile/0/000")).unwrap();
        put(b"ab").unwrap();
        put(b"abc").unwrap();
        put(b"abc").unwrap();
        assert_eq!(found(), b"abc");
        for other in [&b"abd"[..], b"ab", b""] {
            assert!(matches!(put(other), Err(LogError::Fork(name)) if name == "tile/0/000"));
        }
        assert_eq!(found(), b"abc");
    }

    #[test]
    fn every_folder_down_to_the_file_is_synced_once() {
        let dir = tempfile::tempdir().unwrap();
        let none = BTreeSet::new();
        let mut batch = Batch::new(dir.path(), &Durable, &none);
        batch.put("tile/0/000.p/1", b"a").unwrap();
        batch.put("tile/entries/000.p/1", b"a").unwrap();
        assert_eq!(batch.to_sync.len(), 6);
        let known = batch.finish().unwrap();
        let mut batch = Batch::new(dir.path(), &Durable, &known);
        batch.put("tile/0/000.p/2", b"a").unwrap();
        assert_eq!(batch.to_sync.into_iter().collect::<Vec<_>>(), [dir.path().join("tile/0/000.p")]);
    }
}
