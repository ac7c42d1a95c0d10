//! What can be wrong: with one file of a log, and with an operation on a log.

use std::{fmt, io};

use crate::{checkpoint::CheckpointError, layout::grouped};

/// What is wrong with which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file's name within the log directory, such as `tile/entries/x001/002`.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
}

impl Fault {
    pub(crate) fn new(file: impl Into<String>, what: impl Into<String>) -> Self {
        Self { file: file.into(), what: what.into() }
    }

    pub(crate) fn missing(file: impl Into<String>) -> Self {
        Self::new(file, "is missing")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what.split(' ').next() {
            Some("is" | "ends" | "has" | "cannot" | "does") => write!(f, "{} {}", self.file, self.what),
            _ => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

/// Why a log cannot be opened, appended to or read. For the operator: names files, never an entry's content.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system refused.
    #[error("audit log: {file}: {source}")]
    Io {
        /// Which file or folder.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The checkpoint is not acceptable.
    #[error("audit log: checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A file of the log is damaged.
    #[error("audit log: {0}")]
    Damaged(Fault),
    /// There is a log already.
    #[error("audit log: {0} holds a log already; open it instead")]
    Exists(String),
    /// The checkpoint is no longer the one that was read. Open the log anew.
    #[error("audit log: the checkpoint was moved by someone else since it was read at {} entries", grouped(*.0))]
    Moved(u64),
    /// A file that is never rewritten holds other bytes than these entries make.
    #[error(
        "audit log: {0} holds other entries than those to be written, and a log must not fork: \
         was the database or the log restored from a backup?"
    )]
    Fork(String),
    /// An entry is too long for a bundle.
    #[error("audit log: entry {} has {} bytes; the most is 65,535", grouped(*.index), grouped(*.bytes as u64))]
    TooLong {
        /// The index that it would have.
        index: u64,
        /// Its length.
        bytes: usize,
    },
    /// The log does not reach that far.
    #[error("audit log: there are {} entries; {} was asked for", grouped(*.size), grouped(*.asked))]
    Range {
        /// How many entries there are.
        size: u64,
        /// The index or size that was asked for.
        asked: u64,
    },
    /// A proof cannot be made, or does not hold.
    #[error("audit log: {0}")]
    Proof(String),
}

impl LogError {
    pub(crate) fn io(file: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_string();
        move |source| Self::Io { file, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_a_sentence() {
        assert_eq!(Fault::missing("tile/1/000").to_string(), "tile/1/000 is missing");
        assert_eq!(Fault::new("a", "3 bytes after the last entry").to_string(), "a: 3 bytes after the last entry");
        let error = LogError::TooLong { index: 1234, bytes: 70_000 };
        assert_eq!(error.to_string(), "audit log: entry 1,234 has 70,000 bytes; the most is 65,535");
    }
}
