//! Answers for one renewal of a connection at a time, over all processes of a host.
//!
//! A lock of the operating system on a file a connection (`flock`): it is held for as long as the process lives that took it, is
//! let go by the kernel when that dies, in whatever way, and by nothing else. There is no time after which it is thought to be
//! over: a process that is stopped for an hour in the middle of a renewal still has it, and nobody asks the provider in between.
//! Whoever gets the lock and finds a renewal on record that has not ended knows therefore that its process is dead.
//!
//! Invariants: files are never deleted, since another process may be waiting on the one that is gone; within a process the
//! tasks line up in memory first, so that one of them asks the kernel.

use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use portcullis_model::secret::Slot;
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedMutexGuard;

/// The locks.
pub struct Locks {
    dir: PathBuf,
    lines: Mutex<HashMap<Slot, Weak<tokio::sync::Mutex<()>>>>,
}

/// The right to renew one connection; ends when it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    _file: File,
}

impl Locks {
    /// Locks in this directory, which is made where it is not there. It must lie on a file system of this machine.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        }
        Ok(Self { dir: dir.to_owned(), lines: Mutex::default() })
    }

    /// Waits until no other task of this process is at the same connection.
    pub(super) async fn line_up(&self, slot: &Slot) -> OwnedMutexGuard<()> {
        let line = {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            match lines.get(slot).and_then(Weak::upgrade) {
                Some(line) => line,
                None => {
                    lines.retain(|_, line| line.strong_count() > 0);
                    let line = Arc::new(tokio::sync::Mutex::new(()));
                    lines.insert(slot.clone(), Arc::downgrade(&line));
                    line
                }
            }
        };
        line.lock_owned().await
    }

    /// Takes the lock; `None` where another process has it.
    pub(super) fn try_take(&self, slot: &Slot) -> io::Result<Option<Held>> {
        let file = File::options().create(true).truncate(false).write(true).open(self.path(slot))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Held { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// By a hash: a connection's name may hold what a file's name may not.
    fn path(&self, slot: &Slot) -> PathBuf {
        let installation = slot.installation.as_ref().map_or("", |installation| installation.as_str());
        let name = serde_json::json!([slot.tenant, installation, slot.name]).to_string();
        self.dir.join(format!("{}.lock", hex::encode(Sha256::digest(name.as_bytes()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(name: &str) -> Slot {
        Slot { tenant: "acme".parse().unwrap(), installation: None, name: name.into() }
    }

    #[tokio::test]
    async fn one_holds_it_until_it_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (Locks::open(dir.path()).unwrap(), Locks::open(dir.path()).unwrap());
        let held = one.try_take(&slot("a")).unwrap().unwrap();
        assert!(other.try_take(&slot("a")).unwrap().is_none());
        assert!(one.try_take(&slot("a")).unwrap().is_none(), "nor twice in one process");
        assert!(other.try_take(&slot("../b")).unwrap().is_some());
        drop(held);
        assert!(other.try_take(&slot("a")).unwrap().is_some());
    }

    #[tokio::test]
    async fn tasks_of_a_process_line_up() {
        let dir = tempfile::tempdir().unwrap();
        let locks = Locks::open(dir.path()).unwrap();
        let first = locks.line_up(&slot("a")).await;
        let a = slot("a");
        let second = tokio::time::timeout(std::time::Duration::from_millis(20), locks.line_up(&a));
        assert!(second.await.is_err());
        drop(locks.line_up(&slot("b")).await);
        drop(first);
        drop(locks.line_up(&slot("a")).await);
        drop(locks.line_up(&slot("c")).await);
        assert_eq!(locks.lines.lock().unwrap().len(), 1, "nobody waits for the others");
    }
}
