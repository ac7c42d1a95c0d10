//! A release as one file, `<name>.portcullis`: a plain tar (ustar) of a fixed layout.
//!
//! | entry | what |
//! |---|---|
//! | `portcullis-bundle.json` | `{"format":1}` and a line end |
//! | `plugin.wasm` | the component |
//! | `portcullis.toml` | the manifest |
//! | `release.dsse.json` | the publisher's statement |
//! | `statements/0001.dsse.json` and so on | what others signed, in order |
//! | `reports/<SHA-256>.json` | reports, by digest |
//!
//! Each entry is a plain file of mode 0644 with user, group and time 0 and without names of either; after the last come two
//! empty blocks and nothing else.
//!
//! Invariants: one content has one form, byte for byte, and only that form is read; no entry is read past its own cap, and no
//! size is believed before it is held against it; nothing is ever written under a name that a bundle gives: a part is one of
//! [`Part`], or the bundle is refused.

mod error;
mod header;
mod unpack;

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::Path,
};

pub use error::BundleError;
use portcullis_model::id::Digest;
use unpack::Found;

use crate::{
    dsse::MAX_ENVELOPE,
    inspect::MAX_COMPONENT,
    manifest::MAX_MANIFEST,
    release_dir::{DirError, FORMAT, MAX_REPORT, MAX_REPORTS, MAX_STATEMENTS, Part, ReleaseFiles},
};

/// What the name of a bundle ends with.
pub const EXTENSION: &str = "portcullis";

/// The media type of a bundle.
pub const MEDIA_TYPE: &str = "application/vnd.portcullis.bundle.v1+tar";

const BLOCK: usize = 512;

const EMPTY: [u8; BLOCK] = [0; BLOCK];

/// The largest bundle, in bytes: each part at its cap, with its header and what fills its last block.
pub const MAX_BUNDLE: usize = MAX_COMPONENT
    + MAX_MANIFEST
    + MAX_ENVELOPE
    + MAX_STATEMENTS * MAX_ENVELOPE
    + MAX_REPORTS * MAX_REPORT
    + (4 + MAX_STATEMENTS + MAX_REPORTS) * 2 * BLOCK
    + 2 * BLOCK;

/// A release as a bundle. The same release gives the same bytes.
pub fn to_bytes(files: &ReleaseFiles) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    in_pieces(&parts(files)?, |piece| bytes.extend_from_slice(piece));
    Ok(bytes)
}

/// Writes a bundle's bytes to a new file, and waits until they are durable. Never overwrites.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), DirError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => DirError::Exists(path.to_owned()),
        _ => DirError::Io { path: path.to_owned(), source },
    };
    let mut file = File::create_new(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| {
        // Half a bundle is refused by whoever reads it; better that nobody finds it.
        let _ = fs::remove_file(path);
        failed(error)
    })
}

/// Gives a bundle of these parts, one piece after the other.
fn in_pieces(parts: &[(Part, &[u8])], mut to: impl FnMut(&[u8])) {
    for (part, content) in parts {
        to(&header::of(*part, content.len()));
        to(content);
        to(&EMPTY[..fill(content.len())]);
    }
    to(&EMPTY);
    to(&EMPTY);
}

/// Reads a bundle: whole, or not at all.
pub fn read(bytes: &[u8]) -> Result<ReleaseFiles, BundleError> {
    if bytes.len() > MAX_BUNDLE {
        return Err(BundleError::TooLong(bytes.len() as u64));
    }
    let (mut rest, mut found) = (bytes, Found::default());
    for entry in 1.. {
        let (block, after) = rest.split_first_chunk().ok_or_else(|| BundleError::Cut(found.place(entry)))?;
        if *block == EMPTY {
            ended(after, &found.place(entry))?;
            break;
        }
        let (part, size) = header::read(block, entry)?;
        found.expects(part)?;
        let cut = || BundleError::Cut(format!("'{}'", part.name()));
        let (content, after) = after.split_at_checked(size).ok_or_else(cut)?;
        let (filling, after) = after.split_at_checked(fill(size)).ok_or_else(cut)?;
        if filling.iter().any(|byte| *byte != 0) {
            return Err(BundleError::Padding(part.name()));
        }
        found.put(part, content)?;
        rest = after;
    }
    let files = found.whole()?;
    // Whatever the checks above forgot: what would be written of this is what was read.
    let mut left = Some(bytes);
    in_pieces(&parts(&files)?, |piece| left = left.and_then(|left| left.strip_prefix(piece)));
    if left == Some(&[]) { Ok(files) } else { Err(BundleError::NotCanonical) }
}

/// Reads the bundle in a file. One that is too large is refused before it is read.
pub fn read_file(path: &Path) -> Result<ReleaseFiles, DirError> {
    let failed = |source| DirError::Io { path: path.to_owned(), source };
    let refused = |reason| DirError::Bundle { path: path.to_owned(), reason };
    let found = fs::metadata(path).map_err(failed)?;
    if !found.is_file() {
        return Err(DirError::NotFile(path.to_owned()));
    }
    if found.len() > MAX_BUNDLE as u64 {
        return Err(refused(BundleError::TooLong(found.len())));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BUNDLE as u64 + 1).read_to_end(&mut bytes)).map_err(failed)?;
    read(&bytes).map_err(refused)
}

/// The parts of a release in their order, each within its cap.
fn parts(files: &ReleaseFiles) -> Result<Vec<(Part, &[u8])>, BundleError> {
    let mut parts: Vec<(Part, &[u8])> = vec![
        (Part::Format, FORMAT),
        (Part::Component, &files.component),
        (Part::Manifest, files.stored.manifest.as_bytes()),
        (Part::Envelope, files.stored.envelope.as_bytes()),
    ];
    within("statements", files.statements.len(), MAX_STATEMENTS)?;
    within("reports", files.reports.len(), MAX_REPORTS)?;
    let statements = files.statements.iter().zip(1..);
    parts.extend(statements.map(|(text, number)| (Part::Statement(number), text.as_bytes())));
    let first = parts.len();
    parts.extend(files.reports.iter().map(|report| (Part::Report(Digest::of(report)), report.as_slice())));
    parts[first..].sort_by_key(|(part, _)| *part);
    for pair in parts.windows(2) {
        if pair[0].0 == pair[1].0 {
            return Err(BundleError::Twice(pair[0].0.name()));
        }
    }
    match parts.iter().find(|(part, bytes)| bytes.len() > part.most()) {
        Some((part, bytes)) => {
            Err(BundleError::TooLarge { name: part.name(), size: bytes.len() as u64, most: part.most() })
        }
        None => Ok(parts),
    }
}

fn within(what: &'static str, found: usize, most: usize) -> Result<(), BundleError> {
    if found > most { Err(BundleError::TooMany { what, most }) } else { Ok(()) }
}

/// How many bytes fill the last block after this many.
fn fill(size: usize) -> usize {
    size.next_multiple_of(BLOCK) - size
}

/// After the first empty block comes one more, and nothing else.
fn ended(rest: &[u8], place: &str) -> Result<(), BundleError> {
    match rest.split_first_chunk::<BLOCK>() {
        None => Err(BundleError::Cut(place.to_owned())),
        Some((block, [])) if *block == EMPTY => Ok(()),
        Some(_) => Err(BundleError::Trailing),
    }
}

#[cfg(test)]
mod tests;
