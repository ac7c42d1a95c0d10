//! What can be wrong with a release directory.

use std::{io, path::PathBuf};

use portcullis_model::id::Digest;

use crate::bundle::BundleError;

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
    /// Something else than a folder, a link to one included.
    #[error("{0} is not a folder")]
    NotFolder(PathBuf),
    /// A file whose name is not of the folder's form.
    #[error("{path} does not belong there; expected {expected}")]
    Name {
        /// Which file, made harmless to show.
        path: String,
        /// What names there look like.
        expected: &'static str,
    },
    /// A report whose bytes are not those that its name says.
    #[error("{path} has the SHA-256 {found}: a report's name is its own digest, so it was changed or renamed")]
    OtherReport {
        /// Which file.
        path: PathBuf,
        /// What its bytes have.
        found: Digest,
    },
    /// More files in a folder than are read.
    #[error("{path} holds more than {most} files, the most that are read")]
    TooMany {
        /// Which folder.
        path: PathBuf,
        /// How many.
        most: usize,
    },
    /// There is something already where something new should come.
    #[error("{0} exists already and is not overwritten: choose another path")]
    Exists(PathBuf),
    /// A bundle that is not read.
    #[error("{path} is refused: {reason}")]
    Bundle {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: BundleError,
    },
    /// It could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
