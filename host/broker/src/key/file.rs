//! Answers for key-encryption keys in a file of mode 0600: one a line, 64 hexadecimal digits each; the one to wrap with first, then
//! those on their way out.
//!
//! The file is read anew whenever a key is needed, which is seldom: a running host then has the key that another process has
//! just added.
//!
//! Invariants: the file is replaced as a whole, durably, and never written in place; a key is taken out of it only by whoever
//! says which are still needed.

use std::{
    fs::{self, File},
    io::ErrorKind,
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

    /// Puts a new key before the others, unless one is there already that `current` does not name: then that one is meant, from a
    /// rotation that was cut off. Gives its name.
    pub fn add(&self, current: Option<&str>) -> Result<String, KeyError> {
        let mut keys = self.read()?;
        if let (Some(first), Some(current)) = (keys.first(), current)
            && first.name() != current
        {
            return Ok(first.name());
        }
        if keys.len() >= MOST {
            return Err(KeyError::Form { path: self.path.display().to_string() });
        }
        keys.insert(0, Key::random(&*self.rng));
        self.write(&keys)?;
        Ok(keys[0].name())
    }

    /// Takes out all keys but these. One always stays.
    pub fn keep(&self, names: &[String]) -> Result<(), KeyError> {
        let keys = self.read()?;
        let kept: Vec<Key> = keys.iter().filter(|key| names.contains(&key.name())).cloned().collect();
        if kept.is_empty() || kept.len() == keys.len() { Ok(()) } else { self.write(&kept) }
    }

    fn read(&self) -> Result<Vec<Key>, KeyError> {
        let file = File::open(&self.path).map_err(|error| failed(&self.path, error))?;
        let text = private_text(file, &self.path)?;
        let form = || KeyError::Form { path: self.path.display().to_string() };
        let keys: Vec<Key> = text.lines().map(Key::parse).collect::<Option<_>>().ok_or_else(form)?;
        if keys.is_empty() || keys.len() > MOST { Err(form()) } else { Ok(keys) }
    }

    fn write(&self, keys: &[Key]) -> Result<(), KeyError> {
        let mut text = Zeroizing::new(String::with_capacity(keys.len() * 65));
        for key in keys {
            text.push_str(&Zeroizing::new(hex::encode(key.bytes())));
            text.push('\n');
        }
        let next = self.path.with_extension("next");
        let replace = || {
            match fs::remove_file(&next) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            write_private(&next, text.as_bytes())?;
            fs::rename(&next, &self.path)?;
            self.path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
        };
        replace().map_err(|error| failed(&self.path, error))
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

        let second = keys.add(Some(&first)).unwrap();
        assert_eq!(keys.add(Some(&first)).unwrap(), second, "one that was cut off goes on with the same key");
        let other = FileKeys::open(&path, false, rng).unwrap();
        assert_eq!(other.names().await.unwrap(), [second.clone(), first.clone()]);
        keys.keep(&["key-of-nobody".into()]).unwrap();
        assert_eq!(other.names().await.unwrap().len(), 2, "one always stays");
        keys.keep(std::slice::from_ref(&second)).unwrap();
        assert_eq!(other.names().await.unwrap(), [second]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
