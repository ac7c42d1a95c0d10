//! Reading files and folders of a release: regular files alone, each within its cap.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use portcullis_model::{audit::plain, id::Digest};

use super::{DirError, MAX_REPORT, MAX_REPORTS, MAX_STATEMENTS, Part, REPORTS, STATEMENTS};
use crate::dsse::MAX_ENVELOPE;

/// How a file in one of the folders comes to be missing: between the listing and the reading.
const GONE: &str = "it was there a moment ago: try again once nobody changes the directory";

/// Reads a regular file of at most `most` bytes.
pub(crate) fn capped(path: &Path, most: usize, hint: &'static str) -> Result<Vec<u8>, DirError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => DirError::Missing { path: path.to_owned(), hint },
        _ => DirError::Io { path: path.to_owned(), source },
    };
    // Before it is opened: opening a pipe would wait for its other end.
    let found = fs::metadata(path).map_err(failed)?;
    if !found.is_file() {
        return Err(DirError::NotFile(path.to_owned()));
    }
    let too_large = || DirError::TooLarge { path: path.to_owned(), most };
    if found.len() > most as u64 {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() > most { Err(too_large()) } else { Ok(bytes) }
}

pub(crate) fn text(path: &Path, bytes: Vec<u8>) -> Result<String, DirError> {
    String::from_utf8(bytes).map_err(|_| DirError::NotText(path.to_owned()))
}

/// What others signed, in the order of the files' numbers.
pub(super) fn statements(dir: &Path) -> Result<Vec<String>, DirError> {
    let read = |(_, path): &(Part, PathBuf)| text(path, capped(path, MAX_ENVELOPE, GONE)?);
    list(dir, STATEMENTS)?.iter().map(read).collect()
}

/// The reports, in the order of their digests.
pub(super) fn reports(dir: &Path) -> Result<Vec<Vec<u8>>, DirError> {
    let read = |(part, path): (Part, PathBuf)| {
        let bytes = capped(&path, MAX_REPORT, GONE)?;
        let found = Digest::of(&bytes);
        if part == Part::Report(found) { Ok(bytes) } else { Err(DirError::OtherReport { path, found }) }
    };
    list(dir, REPORTS)?.into_iter().map(read).collect()
}

/// The parts in one of the two folders, in order; none where there is no such folder.
pub(super) fn list(dir: &Path, folder: &'static str) -> Result<Vec<(Part, PathBuf)>, DirError> {
    let path = dir.join(folder);
    let failed = |source| DirError::Io { path: path.clone(), source };
    let (most, expected) = match folder {
        STATEMENTS => (MAX_STATEMENTS, "0001.dsse.json, 0002.dsse.json and so on"),
        _ => (MAX_REPORTS, "64 hexadecimal digits, the report's SHA-256, and .json"),
    };
    // Without following links: what somebody handed over must not lead to what they did not.
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(DirError::NotFolder(path)),
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if files.len() == most {
            return Err(DirError::TooMany { path, most });
        }
        let Some(part) = Part::parse(&format!("{folder}/{}", entry.file_name().to_string_lossy())) else {
            return Err(DirError::Name { path: plain(&entry.path().to_string_lossy()), expected });
        };
        if !entry.file_type().map_err(failed)?.is_file() {
            return Err(DirError::NotFile(entry.path()));
        }
        files.push((part, entry.path()));
    }
    files.sort();
    Ok(files)
}
