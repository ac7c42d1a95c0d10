//! Writes a log that was signed elsewhere as a directory of its own: a copy of a view, which any tool for C2SP logs reads.
//!
//! Invariant: the checkpoint is written last, and only where the entries lead to its root: a directory without one is no log.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    checkpoint::Checkpoint,
    disk::{Batch, Disk as _, Durable},
    fault::{Fault, LogError},
    layout::CHECKPOINT,
    proof::Log,
    serve::key_change_file,
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

/// Hands out each file of a log as it was at a head, by its name, while the log goes on: the tree is made again from the entries, so
/// that nothing is handed out as a log that does not lead to the head. The checkpoint comes last.
///
/// # Errors
/// The log does not lead to the head, or `put` fails.
pub fn files_as_of(
    dir: &Path,
    head: &Checkpoint,
    mut put: impl FnMut(&str, &[u8]) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let (mut edge, mut failed) = (Edge::default(), None);
    Log::at(dir, head.clone()).entries(0..head.size(), |_, bytes| {
        if failed.is_none() {
            failed = edge.push(bytes, |name, bytes| put(&name, &bytes)).err();
        }
    })?;
    failed.map_or(Ok(()), Err)?;
    for (name, bytes) in edge.partials(0) {
        put(&name, &bytes)?;
    }
    if edge.spine.root() != head.root() {
        return Err(LogError::Damaged(Fault::new(CHECKPOINT, "its root hash is not that of the entries")));
    }
    for n in 0..=u16::MAX {
        let Some(change) = key_change_file(dir, n)? else { break };
        put(&format!("keys/{n:03}.json"), &change)?;
    }
    put(CHECKPOINT, head.note())
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

    #[test]
    fn the_files_of_an_older_head_are_a_log_though_the_log_has_moved_on() {
        let mut log = LogDir::new();
        let head = log.grow(300);
        log.grow(70_000);
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
            Ok(())
        };
        files_as_of(&log.path(), &head, write).unwrap();
        assert_eq!(verify(dir.path(), &log.vkey(), None).unwrap().size, 300);
        log.flip("tile/entries/000", 40);
        let mut last = String::new();
        let refused = files_as_of(&log.path(), &head, |name, _| {
            name.clone_into(&mut last);
            Ok(())
        });
        assert!(refused.is_err() && last != CHECKPOINT, "{last}");
    }
}
