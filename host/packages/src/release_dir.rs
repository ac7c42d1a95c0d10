//! The form in which a release is handed over: a directory with `plugin.wasm`, `portcullis.toml` and `release.dsse.json`.
//!
//! Invariants: no file is read past its cap, and only regular files are read; every error names the file. What was read
//! is checked by nobody yet.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use portcullis_model::{id::Digest, release::StoredRelease};

use crate::{
    dsse::{Envelope, MAX_ENVELOPE},
    inspect::MAX_COMPONENT,
    manifest::MAX_MANIFEST,
    statement::{COMPONENT_NAME, MANIFEST_NAME},
};

/// The file with the publisher's signed statement.
pub const ENVELOPE_NAME: &str = "release.dsse.json";

/// What is wrong with a release directory.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    /// A file is not there.
    #[error("{path} is missing; {hint}")]
    Missing {
        /// Which file.
        path: PathBuf,
        /// How it comes to be.
        hint: &'static str,
    },
    /// A file is too large.
    #[error("{path} is larger than {most} bytes, the most that is read")]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// In bytes.
        most: usize,
    },
    /// A file is not text.
    #[error("{0} is not UTF-8 text")]
    NotText(PathBuf),
    /// Something else than a file.
    #[error("{0} is not a regular file")]
    NotFile(PathBuf),
    /// It could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A component and its manifest, before anybody signed them.
#[derive(Clone, Debug)]
pub struct Unsigned {
    /// The component's bytes.
    pub component: Arc<[u8]>,
    /// The manifest's text.
    pub manifest: String,
}

/// What a publisher hands over.
#[derive(Clone, Debug)]
pub struct ReleaseFiles {
    /// The component's bytes.
    pub component: Arc<[u8]>,
    /// Digest of the component, manifest and envelope.
    pub stored: StoredRelease,
    /// What others than the publisher signed about it: DSSE envelopes.
    pub statements: Vec<String>,
}

/// Reads the component and the manifest.
pub fn read_unsigned(dir: &Path) -> Result<Unsigned, DirError> {
    let manifest = read(dir, MANIFEST_NAME, MAX_MANIFEST, "write one: it says what the plugin is and asks for")?;
    let component = read(dir, COMPONENT_NAME, MAX_COMPONENT, "build the plugin and put its component there")?;
    Ok(Unsigned { component: component.into(), manifest: text(dir, MANIFEST_NAME, manifest)? })
}

/// Reads all three files.
pub fn read_release(dir: &Path) -> Result<ReleaseFiles, DirError> {
    let Unsigned { component, manifest } = read_unsigned(dir)?;
    let envelope = read(dir, ENVELOPE_NAME, MAX_ENVELOPE, "the publisher makes it by signing the release")?;
    let envelope = text(dir, ENVELOPE_NAME, envelope)?;
    Ok(ReleaseFiles {
        stored: StoredRelease { digest: Digest::of(&component), manifest, envelope },
        component,
        statements: Vec::new(),
    })
}

/// Writes the envelope, in place of an older one: wholly or not at all.
pub fn write_envelope(dir: &Path, envelope: &Envelope) -> Result<PathBuf, DirError> {
    let path = dir.join(ENVELOPE_NAME);
    let new = dir.join(".release.dsse.json.new");
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(envelope.to_json().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&new, &path)
    };
    match write() {
        Ok(()) => Ok(path),
        Err(source) => Err(DirError::Io { path, source }),
    }
}

fn read(dir: &Path, name: &str, most: usize, hint: &'static str) -> Result<Vec<u8>, DirError> {
    let path = dir.join(name);
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => DirError::Missing { path: path.clone(), hint },
        _ => DirError::Io { path: path.clone(), source },
    };
    // Before it is opened: opening a pipe would wait for its other end.
    if !fs::metadata(&path).map_err(failed)?.is_file() {
        return Err(DirError::NotFile(path));
    }
    let mut bytes = Vec::new();
    File::open(&path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes)).map_err(failed)?;
    match bytes.len() > most {
        true => Err(DirError::TooLarge { path, most }),
        false => Ok(bytes),
    }
}

fn text(dir: &Path, name: &str, bytes: Vec<u8>) -> Result<String, DirError> {
    String::from_utf8(bytes).map_err(|_| DirError::NotText(dir.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dsse::PayloadType,
        keys::SecretKey,
        testing::{Fixed, MANIFEST, component},
    };

    #[test]
    fn reads_what_was_handed_over_and_names_the_file_that_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let error = |expected: &str| {
            let found = read_release(dir).unwrap_err().to_string();
            assert!(found.contains(expected), "{found}");
        };
        error("portcullis.toml is missing; write one");
        fs::write(dir.join(MANIFEST_NAME), [0xff]).unwrap();
        error("plugin.wasm is missing; build the plugin");
        fs::write(dir.join(COMPONENT_NAME), component()).unwrap();
        error("portcullis.toml is not UTF-8 text");
        fs::write(dir.join(MANIFEST_NAME), "#".repeat(MAX_MANIFEST + 1)).unwrap();
        error("portcullis.toml is larger than 65536 bytes");
        fs::write(dir.join(MANIFEST_NAME), MANIFEST).unwrap();
        error("release.dsse.json is missing; the publisher makes it");
        assert_eq!(read_unsigned(dir).unwrap().manifest, MANIFEST);
        fs::create_dir(dir.join(ENVELOPE_NAME)).unwrap();
        error("release.dsse.json is not a regular file");
        fs::remove_dir(dir.join(ENVELOPE_NAME)).unwrap();

        let envelope =
            Envelope::sign(PayloadType::Statement, b"x".to_vec(), &SecretKey::generate(&Fixed::new())).unwrap();
        for _ in 0..2 {
            assert_eq!(write_envelope(dir, &envelope).unwrap(), dir.join(ENVELOPE_NAME));
        }
        let files = read_release(dir).unwrap();
        assert_eq!(Envelope::parse(PayloadType::Statement, &files.stored.envelope), Ok(envelope));
        assert_eq!(files.stored.digest, Digest::of(&component()));
        assert_eq!(fs::read_dir(dir).unwrap().count(), 3);
    }
}
