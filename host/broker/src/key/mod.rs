//! Answers for keys: 32 bytes that are never printed, and those that keep key-encryption keys (DAT-6).
//!
//! - [`service`] is the port to whoever keeps a key-encryption key, and the list of them;
//! - [`file`], [`text`] and [`command`] are the keepers: a file, a text such as an environment variable's, a program.
//!
//! Invariants: a file that others may read is refused, not repaired, since nobody knows who has read it; an existing file is
//! never overwritten but by a rotation, whole; a key is never printed, and overwritten in memory when the last handle is
//! dropped.

pub mod command;
pub mod file;
pub mod service;
pub mod text;

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Write},
    path::Path,
    sync::Arc,
};

use portcullis_model::{secret::Secret, time::Rng};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Why there is no key. Never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("key file {path}: {error}")]
    File {
        /// Which file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// Others than its owner can get at it.
    #[error("key file {path}: others can read it (mode {mode:03o}); set it to 600, and rotate what it protects")]
    Open {
        /// Which file.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// Its keys are being replaced.
    #[error("key file {path}: somebody else is replacing its keys; wait until that is through, and try again")]
    Busy {
        /// Which file.
        path: String,
    },
    /// It holds something else.
    #[error("key file {path}: must hold one line of 64 hexadecimal digits")]
    Form {
        /// Which file.
        path: String,
    },
}

/// A key. Clones share the bytes.
#[derive(Clone)]
pub struct Key(Arc<Zeroizing<[u8; 32]>>);

impl Key {
    /// A fresh one.
    pub fn random(rng: &dyn Rng) -> Self {
        let mut key = Zeroizing::new([0u8; 32]);
        rng.fill(key.as_mut_slice());
        Self(Arc::new(key))
    }

    /// Takes these bytes; `None` where they are not 32.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0u8; 32]);
        (bytes.len() == key.len()).then(|| key.copy_from_slice(bytes))?;
        Some(Self(Arc::new(key)))
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = Zeroizing::new([0u8; 32]);
        hex::decode_to_slice(text.trim(), key.as_mut_slice()).ok()?;
        Some(Self(Arc::new(key)))
    }

    /// What it is called where it may not be shown: a short hash, of no use to get the key.
    pub fn name(&self) -> String {
        let hash = Sha256::new_with_prefix(b"portcullis/key-name/1").chain_update(self.0.as_slice()).finalize();
        format!("key-{}", hex::encode(&hash[..8]))
    }

    /// Reads the key from its file; makes a new one, in a file of mode 0600, where there is no file.
    pub fn load(path: &Path, rng: &dyn Rng) -> Result<Self, KeyError> {
        match File::open(path) {
            Ok(file) => Self::read(file, path),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::create(path, rng),
            Err(error) => Err(failed(path, error)),
        }
    }

    /// As its file holds it: 64 hexadecimal digits.
    pub fn text(&self) -> Secret {
        Secret::new(hex::encode(self.0.as_slice()).into_bytes())
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn read(file: File, path: &Path) -> Result<Self, KeyError> {
        let text = private_text(file, path)?;
        Self::parse(&text).ok_or_else(|| KeyError::Form { path: path.display().to_string() })
    }

    fn create(path: &Path, rng: &dyn Rng) -> Result<Self, KeyError> {
        let key = Self::random(rng);
        key.save(path)?;
        Ok(key)
    }

    /// Writes it into a new file of mode 0600. Fails where there is one already.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let line = Zeroizing::new(format!("{}\n", Zeroizing::new(hex::encode(self.0.as_slice())).as_str()));
        write_private(path, line.as_bytes()).map_err(|error| failed(path, error))
    }
}

/// The most that a key file may hold, in bytes.
const MAX_FILE: u64 = 1024;

/// What is in a file that nobody else can read.
fn private_text(file: File, path: &Path) -> Result<Zeroizing<String>, KeyError> {
    only_mine(&file, path)?;
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE as usize + 1));
    file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(|error| failed(path, error))?;
    if text.len() as u64 > MAX_FILE {
        return Err(KeyError::Form { path: path.display().to_string() });
    }
    Ok(text)
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

fn failed(path: &Path, error: std::io::Error) -> KeyError {
    KeyError::File { path: path.display().to_string(), error }
}

/// Looks at the open file, not at its path, so that it cannot be exchanged in between.
#[cfg(unix)]
fn only_mine(file: &File, path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(|error| failed(path, error))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Open { path: path.display().to_string(), mode }) }
}

#[cfg(not(unix))]
fn only_mine(_: &File, _: &Path) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Sevens;
    impl Rng for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[test]
    fn makes_one_once_and_reads_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = Key::load(&path, &Sevens).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{}\n", "07".repeat(32)));
        fs::write(&path, "08".repeat(32)).unwrap();
        assert_eq!(made.bytes(), &[7; 32]);
        assert_eq!(Key::load(&path, &Sevens).unwrap().bytes(), &[8; 32]);
        assert_eq!(format!("{made:?}"), "Key(…)");
    }

    #[cfg(unix)]
    #[test]
    fn refuses_a_file_that_others_can_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        Key::load(&path, &Sevens).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o660, 0o644, 0o610] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Key::load(&path, &Sevens), Err(KeyError::Open { .. })), "{mode:o}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn refuses_what_is_no_key_and_leaves_it_there() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for text in ["", "abc", &"0".repeat(63), &"0".repeat(66), &"zz".repeat(32)] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = Key::load(&path, &Sevens).unwrap_err();
            assert!(matches!(error, KeyError::Form { .. }), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
