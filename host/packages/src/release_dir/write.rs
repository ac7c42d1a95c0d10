//! Writing files of a release: each wholly or not at all.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use portcullis_model::id::Digest;

use super::{
    DirError, ENVELOPE_NAME, MAX_REPORT, MAX_REPORTS, MAX_STATEMENTS, Part, REPORTS, ReleaseFiles, STATEMENTS,
    part::next_statement, read::list,
};
use crate::{
    dsse::Envelope,
    statement::{COMPONENT_NAME, MANIFEST_NAME},
};

/// Writes the publisher's envelope, in place of an older one.
pub fn write_envelope(dir: &Path, envelope: &Envelope) -> Result<PathBuf, DirError> {
    put(dir, ENVELOPE_NAME, format!("{}\n", envelope.to_json()).as_bytes())
}

/// Adds what somebody else than the publisher signed, under the next number.
pub fn add_statement(dir: &Path, envelope: &Envelope) -> Result<PathBuf, DirError> {
    let last = match list(dir, STATEMENTS)?.last() {
        Some((Part::Statement(number), _)) => *number,
        _ => 0,
    };
    let Some(next) = next_statement(last) else {
        return Err(DirError::TooMany { path: dir.join(STATEMENTS), most: MAX_STATEMENTS });
    };
    make(&dir.join(STATEMENTS))?;
    put(dir, &Part::Statement(next).name(), format!("{}\n", envelope.to_json()).as_bytes())
}

/// Adds a report, under its digest.
pub fn add_report(dir: &Path, report: &[u8]) -> Result<PathBuf, DirError> {
    let part = Part::Report(Digest::of(report));
    if report.len() > MAX_REPORT {
        return Err(DirError::TooLarge { path: dir.join(part.name()), most: MAX_REPORT });
    }
    let there = list(dir, REPORTS)?;
    if there.len() >= MAX_REPORTS && !there.iter().any(|(other, _)| *other == part) {
        return Err(DirError::TooMany { path: dir.join(REPORTS), most: MAX_REPORTS });
    }
    make(&dir.join(REPORTS))?;
    put(dir, &part.name(), report)
}

/// Writes all of a release into a new directory, which must not be there yet.
pub fn write_new(dir: &Path, files: &ReleaseFiles) -> Result<(), DirError> {
    fs::create_dir(dir).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => DirError::Exists(dir.to_owned()),
        _ => DirError::Io { path: dir.to_owned(), source },
    })?;
    put(dir, COMPONENT_NAME, &files.component)?;
    put(dir, MANIFEST_NAME, files.stored.manifest.as_bytes())?;
    put(dir, ENVELOPE_NAME, files.stored.envelope.as_bytes())?;
    if !files.statements.is_empty() {
        make(&dir.join(STATEMENTS))?;
    }
    for (text, number) in files.statements.iter().zip(1..) {
        put(dir, &Part::Statement(number).name(), text.as_bytes())?;
    }
    for report in &files.reports {
        add_report(dir, report)?;
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), DirError> {
    fs::create_dir_all(folder).map_err(|source| DirError::Io { path: folder.to_owned(), source })
}

/// Writes beside, then renames.
fn put(dir: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, DirError> {
    let (path, new) = (dir.join(name), dir.join(".release.new"));
    let write = || {
        // What an interrupted try left; or a link that leads elsewhere, which must not be followed.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = File::create_new(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, &path)
    };
    match write() {
        Ok(()) => Ok(path),
        Err(source) => Err(DirError::Io { path, source }),
    }
}
