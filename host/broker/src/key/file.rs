//! Answers for key-encryption keys in a file of mode 0600: one a line, 64 hexadecimal digits each; the one to wrap with first, then
//! those on their way out.
//!
//! The file is read anew whenever a key is needed, which is seldom: a running host then has the key that another process has
//! just added.
//!
//! Invariants: the file is replaced as a whole, durably, and never written in place; one process at a time replaces its keys, from
//! before the new one is there until the old ones are gone; a key is taken out of it only by whoever says which are still needed,
//! and never one that came after those.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use portcullis_model::time::Rng;
use zeroize::Zeroizing;

use super::{
    Key, KeyError, failed, private_text,
    service::{KeyService, ServiceError, named, unwrap_with, wrap_with},
    text::MOST,
    write_private,
};

/// Keys in a file.
pub struct FileKeys {
    path: PathBuf,
    rng: Arc<dyn Rng>,
}

impl FileKeys {
    /// The file's keys; makes the file, with a new key, where `make` says so and there is none.
    pub fn open(path: &Path, make: bool, rng: Arc<dyn Rng>) -> Result<Self, KeyError> {
        if make {
            match Key::random(&*rng).save(path) {
                Err(KeyError::File { error, .. }) if error.kind() == ErrorKind::AlreadyExists => {}
                made => made?,
            }
        }
        let keys = Self { path: path.to_owned(), rng };
        keys.read()?;
        Ok(keys)
    }

    /// The right to replace the keys, for a whole rotation. Refused while another process has it.
    pub fn rotation(&self) -> Result<Rotation<'_>, KeyError> {
        let path = self.path.with_extension("lock");
        let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let lock = lock.map_err(|error| failed(&path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Rotation { file: self, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(self.busy()),
            Err(TryLockError::Error(error)) => Err(failed(&path, error)),
        }
    }

    fn busy(&self) -> KeyError {
        KeyError::Busy { path: self.path.display().to_string() }
    }

    fn read(&self) -> Result<Vec<Key>, KeyError> {
        let file = File::open(&self.path).map_err(|error| failed(&self.path, error))?;
        let text = private_text(file, &self.path)?;
        let form = || KeyError::Form { path: self.path.display().to_string() };
        let keys: Vec<Key> = text.lines().map(Key::parse).collect::<Option<_>>().ok_or_else(form)?;
        if keys.is_empty() || keys.len() > MOST { Err(form()) } else { Ok(keys) }
    }

    /// Writes these keys in place of those that were read.
    fn replace(&self, read: &[Key], keys: &[Key]) -> Result<(), KeyError> {
        let mut text = Zeroizing::new(String::with_capacity(keys.len() * 65));
        for key in keys {
            text.push_str(&Zeroizing::new(hex::encode(key.bytes())));
            text.push('\n');
        }
        let next = self.path.with_extension("next");
        let write = || {
            match fs::remove_file(&next) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            write_private(&next, text.as_bytes())
        };
        write().map_err(|error| failed(&self.path, error))?;
        // A person with an editor takes no lock.
        if !self.read()?.iter().map(Key::bytes).eq(read.iter().map(Key::bytes)) {
            fs::remove_file(&next).map_err(|error| failed(&next, error))?;
            return Err(self.busy());
        }
        let rename = || {
            fs::rename(&next, &self.path)?;
            self.path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
        };
        rename().map_err(|error| failed(&self.path, error))
    }
}

/// The right to replace the keys of a file; ends when it is dropped.
pub struct Rotation<'a> {
    file: &'a FileKeys,
    _lock: File,
}

impl Rotation<'_> {
    /// Puts a new key before the others, unless one is there already that `current` does not name: then that one is meant, from a
    /// rotation that was cut off. Gives its name.
    pub fn add(&self, current: Option<&str>) -> Result<String, KeyError> {
        let read = self.file.read()?;
        if let (Some(first), Some(current)) = (read.first(), current)
            && first.name() != current
        {
            return Ok(first.name());
        }
        if read.len() >= MOST {
            return Err(KeyError::Form { path: self.file.path.display().to_string() });
        }
        let new = Key::random(&*self.file.rng);
        let name = new.name();
        let keys: Vec<Key> = std::iter::once(new).chain(read.iter().cloned()).collect();
        self.file.replace(&read, &keys)?;
        Ok(name)
    }

    /// Takes out the keys that came before these: what stands before all of them is newer, and not in use yet. One always stays.
    pub fn keep(&self, names: &[String]) -> Result<(), KeyError> {
        let read = self.file.read()?;
        let needed = |key: &Key| names.contains(&key.name());
        let Some(first) = read.iter().position(needed) else { return Ok(()) };
        let (newer, rest) = read.split_at(first);
        let kept: Vec<Key> = newer.iter().chain(rest.iter().filter(|key| needed(key))).cloned().collect();
        if kept.len() == read.len() { Ok(()) } else { self.file.replace(&read, &kept) }
    }
}

#[async_trait]
impl KeyService for FileKeys {
    async fn names(&self) -> Result<Vec<String>, ServiceError> {
        Ok(self.read()?.iter().map(Key::name).collect())
    }

    async fn wrap(&self, name: &str, key: &Key, context: &[u8]) -> Result<Vec<u8>, ServiceError> {
        wrap_with(named(&self.read()?, name)?, &*self.rng, key, context)
    }

    async fn unwrap(&self, name: &str, wrapped: &[u8], context: &[u8]) -> Result<Key, ServiceError> {
        unwrap_with(named(&self.read()?, name)?, wrapped, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counter;

    #[tokio::test]
    async fn a_new_key_comes_first_and_an_old_one_goes_when_nobody_needs_it() {
        let (dir, rng) = (tempfile::tempdir().unwrap(), Arc::new(Counter::default()));
        let path = dir.path().join("vault.key");
        assert!(FileKeys::open(&path, false, rng.clone()).is_err());
        let keys = FileKeys::open(&path, true, rng.clone()).unwrap();
        let first = keys.names().await.unwrap().remove(0);
        FileKeys::open(&path, true, rng.clone()).unwrap();
        assert_eq!(keys.names().await.unwrap(), std::slice::from_ref(&first), "never made twice");

        let rotation = keys.rotation().unwrap();
        let second = rotation.add(Some(&first)).unwrap();
        assert_eq!(rotation.add(Some(&first)).unwrap(), second, "one that was cut off goes on with the same key");
        let other = FileKeys::open(&path, false, rng).unwrap();
        assert_eq!(other.names().await.unwrap(), [second.clone(), first.clone()]);
        rotation.keep(&["key-of-nobody".into()]).unwrap();
        assert_eq!(other.names().await.unwrap().len(), 2, "one always stays");
        rotation.keep(std::slice::from_ref(&second)).unwrap();
        assert_eq!(other.names().await.unwrap(), [second]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside it and its lock");
    }

    #[tokio::test]
    async fn of_two_rotations_at_once_one_is_refused_and_no_newer_key_is_taken_out() {
        let (dir, rng) = (tempfile::tempdir().unwrap(), Arc::new(Counter::default()));
        let path = dir.path().join("vault.key");
        let keys = FileKeys::open(&path, true, rng.clone()).unwrap();
        let first = keys.names().await.unwrap().remove(0);
        let rotation = keys.rotation().unwrap();
        let other = FileKeys::open(&path, false, rng).unwrap();
        assert!(matches!(other.rotation().map(drop), Err(KeyError::Busy { .. })));
        drop(rotation);
        let rotation = other.rotation().unwrap();
        let second = rotation.add(Some(&first)).unwrap();
        let third = rotation.add(Some(&second)).unwrap();
        rotation.keep(std::slice::from_ref(&second)).unwrap();
        assert_eq!(keys.names().await.unwrap(), [third, second], "the newest waits to be taken into use");
    }

    #[tokio::test]
    async fn a_file_that_was_changed_since_it_was_read_stays_as_it_is() {
        let (dir, rng) = (tempfile::tempdir().unwrap(), Arc::new(Counter::default()));
        let keys = FileKeys::open(&dir.path().join("vault.key"), true, rng).unwrap();
        let read = keys.read().unwrap();
        keys.rotation().unwrap().add(None).unwrap();
        let names = keys.names().await.unwrap();
        assert!(matches!(keys.replace(&read, &read), Err(KeyError::Busy { .. })));
        assert_eq!(keys.names().await.unwrap(), names);
        assert!(!dir.path().join("vault.next").exists());
    }
}
