//! Checks a log directory offline: the signature, every entry, every tile, the root.
//!
//! Every tile is compared with what the files below it hash to, and where they differ the hash above tells which of them
//! is wrong, so that the damaged file is named and not its neighbour. A directory that was rolled back to an older
//! checkpoint is valid, only smaller: what shows it is a checkpoint that was kept elsewhere.
//!
//! Invariants: `Ok` means that all entries lead to the signed root, that each view's heads follow from one another, and that every file which the checkpoint needs, and
//! every older partial file that is still there, is right; memory stays at one bundle and one tile a level, whatever the
//! log's size; files beyond the checkpoint, as a crash leaves them, prove nothing and disprove nothing.

mod faults;
mod heads;
mod walk;

use std::{fmt, path::Path};

use serde::Serialize;

use crate::{
    change::Chain,
    checkpoint::Checkpoint,
    fault::{Fault, LogError},
    key::{KeyError, LogVerifier},
    layout::{CHECKPOINT, grouped},
    proof::{self, Log},
    read,
};
use heads::Heads;
use walk::Walk;

/// A log that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Which log.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root hash, as base64.
    pub root: String,
    /// How many views there are.
    pub views: u64,
    /// How many entries at the beginning of the log stand in it themselves: those of a host older than views.
    pub bare: u64,
}

/// Why a log is not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Files are damaged: all of them, or the first 20.
    #[error("{}", Lines(.0, *.1))]
    Damaged(Vec<Fault>, bool),
}

impl VerifyError {
    /// The damaged files. At most 20.
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::Key(_) => &[],
            Self::Damaged(faults, _) => faults,
        }
    }
}

struct Lines<'a>(&'a [Fault], bool);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if i == 0 { "" } else { "\n" })?;
        }
        if self.1 { f.write_str("\nand possibly more: the check ended here") } else { Ok(()) }
    }
}

/// Checks a log against the log's public key or an older one that leads to it ([`Chain`]), and against a checkpoint that was kept elsewhere, where there is one.
pub fn verify(dir: &Path, vkey: &str, at_least: Option<&Checkpoint>) -> Result<Report, VerifyError> {
    verify_entries(dir, vkey, at_least, |_, _| ())
}

/// The same, showing every entry that can be read to `visit`, in order. What was shown is proven only when this returns
/// `Ok`.
pub fn verify_entries(
    dir: &Path,
    vkey: &str,
    at_least: Option<&Checkpoint>,
    mut visit: impl FnMut(u64, &[u8]),
) -> Result<Report, VerifyError> {
    let damaged = |error| VerifyError::Damaged(vec![head_fault(error)], false);
    let chain = Chain::follow(dir, LogVerifier::parse(vkey)?).map_err(damaged)?;
    let newest = &chain.keys[chain.keys.len() - 1..];
    let head = read::checkpoint(dir, newest).map_err(damaged)?;
    let mut heads = Heads::default();
    let mut follow = |index: u64, entry: &[u8]| {
        heads.follow(index, entry);
        visit(index, entry);
    };
    let mut faults = Walk::new(dir, &head, &mut follow).run();
    if faults.is_empty() {
        faults.extend(heads.fault());
    }
    if faults.is_empty() {
        faults.extend(chain.changes.iter().chain(at_least).find_map(|kept| rolled_back(dir, &head, kept)));
    }
    faults.into_result()?;
    Ok(heads.report(&head))
}

fn head_fault(error: LogError) -> Fault {
    match error {
        LogError::Damaged(fault) => fault,
        LogError::Checkpoint(error) => Fault::new(CHECKPOINT, error.to_string()),
        other => Fault::new(CHECKPOINT, other.to_string()),
    }
}

/// What is wrong where the log does not continue the one of a kept checkpoint.
fn rolled_back(dir: &Path, head: &Checkpoint, kept: &Checkpoint) -> Option<Fault> {
    let (size, least) = (grouped(head.size()), grouped(kept.size()));
    if head.origin() != kept.origin() {
        let what =
            format!("is of the log '{}'; the checkpoint to compare with is of '{}'", head.origin(), kept.origin());
        return Some(Fault::new(CHECKPOINT, what));
    }
    if head.size() < kept.size() {
        return Some(Fault::new(
            CHECKPOINT,
            format!("has {size} entries, but {least} were signed before: rolled back"),
        ));
    }
    match Log::at(dir, head.clone()).consistency(kept) {
        Ok(proof) if proof::check_consistency(&proof, kept, head) => None,
        Ok(_) => Some(Fault::new(CHECKPOINT, format!("does not continue the log that was signed at {least} entries"))),
        Err(error) => Some(head_fault(error)),
    }
}

#[cfg(test)]
mod tests;
