//! Writes a log that was signed elsewhere as a directory of its own: a copy of a view, which any tool for C2SP logs reads.
//!
//! Invariant: the checkpoint is written last, and only where the entries lead to its root: a directory without one is no log.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    checkpoint::Checkpoint,
    disk::{Batch, Disk as _, Durable},
    fault::{Fault, LogError},
    layout::CHECKPOINT,
    tree::Edge,
};

/// Writes a copy to a directory that is not there yet. `entry` gives the bytes of each place, from 0.
///
/// # Errors
/// The directory is there, an entry cannot be had or is too long, or the entries are not those that were signed.
pub fn copy_log(
    dir: &Path,
    head: &Checkpoint,
    mut entry: impl FnMut(u64) -> Result<Vec<u8>, String>,
) -> Result<(), LogError> {
    if dir.exists() {
        return Err(LogError::Exists(dir.display().to_string()));
    }
    fs::create_dir_all(dir).map_err(LogError::io(dir.display()))?;
    let (known, mut edge) = (BTreeSet::new(), Edge::default());
    let mut batch = Batch::new(dir, &Durable, &known);
    for position in 0..head.size() {
        let bytes = entry(position).map_err(LogError::Proof)?;
        if bytes.len() > usize::from(u16::MAX) {
            return Err(LogError::TooLong { index: position, bytes: bytes.len() });
        }
        edge.push(&bytes, |name, bytes| batch.put(&name, &bytes))?;
    }
    for (name, bytes) in edge.partials(0) {
        batch.put(&name, &bytes)?;
    }
    batch.finish()?;
    if edge.spine.root() != head.root() {
        return Err(LogError::Damaged(Fault::new(CHECKPOINT, "its root hash is not that of the entries")));
    }
    let file = dir.join(CHECKPOINT);
    Durable.put(&file, head.note()).map_err(LogError::io(file.display()))?;
    Durable.sync(dir).map_err(LogError::io(dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::{LogDir, entry},
        verify,
    };

    #[test]
    fn a_copy_is_the_log_and_nothing_else_becomes_one() {
        let mut log = LogDir::new();
        let head = log.grow(600);
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("copy");
        copy_log(&copy, &head, |position| Ok(entry(position))).unwrap();
        assert_eq!(verify(&copy, &log.vkey(), None).unwrap(), verify(&log.path(), &log.vkey(), None).unwrap());
        assert!(matches!(copy_log(&copy, &head, |position| Ok(entry(position))), Err(LogError::Exists(_))));
        let other = dir.path().join("other");
        assert!(copy_log(&other, &head, |position| Ok(entry(position ^ 1))).is_err());
        assert!(!other.join(CHECKPOINT).exists());
    }
}
