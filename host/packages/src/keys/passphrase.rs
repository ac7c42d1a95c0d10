//! Passphrases: what is one, and reading one from a file.
//!
//! Invariants: a passphrase is overwritten when it is dropped, and never printed; one for a new key has a least length.

use std::{
    fmt,
    fs::File,
    io::Read as _,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::Path,
};

use zeroize::Zeroizing;

use super::KeyError;

/// The fewest characters of a passphrase for a new key.
pub const MIN_PASSPHRASE: usize = 12;

pub(super) const MAX_PASSPHRASE: usize = 1024;

/// A passphrase.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// A passphrase as it was typed.
    pub fn new(text: Zeroizing<String>) -> Result<Self, KeyError> {
        let fits = (1..=MAX_PASSPHRASE).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text)) } else { Err(KeyError::NotPassphrase) }
    }

    /// The passphrase in a file of one line. Refuses one that others than its owner can read. A pipe will do as well.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = KeyError::io(path);
        let file = File::open(path).map_err(&failed)?;
        let found = file.metadata().map_err(&failed)?;
        if !found.is_file() && !found.file_type().is_fifo() {
            return Err(KeyError::NotPassphrase);
        }
        if found.is_file() && found.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Open(path.to_owned()));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE + 3));
        file.take(MAX_PASSPHRASE as u64 + 3).read_to_end(&mut bytes).map_err(failed)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| KeyError::NotPassphrase)?;
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        Self::new(Zeroizing::new(line.to_owned()))
    }

    /// The same, if it is long enough for a new key.
    pub fn for_a_new_key(self) -> Result<Self, KeyError> {
        match self.0.chars().count() {
            short if short < MIN_PASSPHRASE => Err(KeyError::ShortPassphrase(short)),
            _ => Ok(self),
        }
    }

    /// Whether the other is the same.
    pub fn is(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}
