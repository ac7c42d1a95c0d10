//! What a log's directory has for strangers: its files, by what they are, within what the newest checkpoint covers.
//!
//! Invariant: a file is named here from numbers alone, so that no path of a stranger's leads anywhere.

use std::{collections::BTreeSet, path::Path};

use crate::{
    bundle,
    checkpoint::Checkpoint,
    fault::LogError,
    layout::{self, CHECKPOINT, HASH, MAX_BUNDLE, WIDTH},
    read,
    witness::COSIGNED,
};

/// The most bytes of a checkpoint and of a change of key.
const MAX_NOTE: u64 = 1 << 20;

/// The newest checkpoint, with what witnesses have cosigned of it, where that has all of the log's own signatures.
pub fn checkpoint_file(dir: &Path) -> Result<Option<Vec<u8>>, LogError> {
    let head = read::file(dir, CHECKPOINT, MAX_NOTE).map_err(LogError::Damaged)?;
    let cosigned = cosigned_file(dir)?;
    Ok(match (head, cosigned) {
        (Some(head), Some(cosigned)) if has_all_of(&cosigned, &head) => Some(cosigned),
        (head, _) => head,
    })
}

/// Whether a note says the same as another, and has each line of it.
fn has_all_of(note: &[u8], of: &[u8]) -> bool {
    let claims = Checkpoint::claims(of);
    let lines: BTreeSet<&[u8]> = note.split(|byte| *byte == b'\n').collect();
    claims.is_some()
        && claims == Checkpoint::claims(note)
        && of.split(|byte| *byte == b'\n').all(|line| lines.contains(line))
}

/// The newest checkpoint that witnesses cosigned.
pub fn cosigned_file(dir: &Path) -> Result<Option<Vec<u8>>, LogError> {
    read::file(dir, COSIGNED, MAX_NOTE).map_err(LogError::Damaged)
}

/// What shows how one key followed another.
pub fn key_change_file(dir: &Path, n: u16) -> Result<Option<Vec<u8>>, LogError> {
    read::file(dir, &format!("keys/{n:03}.json"), MAX_NOTE).map_err(LogError::Damaged)
}

/// Exactly this tile of hashes.
pub fn tile_file(dir: &Path, level: u8, n: u64, width: usize) -> Result<Option<Vec<u8>>, LogError> {
    if !is_covered(dir, level, n, width)? {
        return Ok(None);
    }
    let bytes = read::file(dir, &layout::tile(level, n, width), (WIDTH * HASH) as u64).map_err(LogError::Damaged)?;
    Ok(bytes.filter(|bytes| bytes.len() == width * HASH))
}

/// Exactly this bundle of entries.
pub fn entries_file(dir: &Path, n: u64, width: usize) -> Result<Option<Vec<u8>>, LogError> {
    if !is_covered(dir, 0, n, width)? {
        return Ok(None);
    }
    let bytes = read::file(dir, &layout::bundle(n, width), MAX_BUNDLE).map_err(LogError::Damaged)?;
    Ok(bytes.filter(|bytes| bundle::split(bytes, width).is_ok()))
}

/// Entries as a bundle has them. None where one is too long.
pub fn bundle_of(entries: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    entries.iter().all(|entry| bundle::push(&mut bytes, entry)).then_some(bytes)
}

/// Whether a log of so many entries has so many hashes of a tile.
pub fn has_tile(size: u64, level: u8, n: u64, width: usize) -> bool {
    let last = n.checked_mul(WIDTH as u64).and_then(|first| first.checked_add(width as u64));
    (1..=WIDTH).contains(&width) && last.is_some_and(|last| last <= layout::hashes(size, level))
}

fn is_covered(dir: &Path, level: u8, n: u64, width: usize) -> Result<bool, LogError> {
    let head = read::file(dir, CHECKPOINT, MAX_NOTE).map_err(LogError::Damaged)?;
    let size = head.as_deref().and_then(Checkpoint::claims).map_or(0, |(size, _)| size);
    Ok(has_tile(size, level, n, width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LogDir;

    #[test]
    fn what_the_checkpoint_covers_and_nothing_beyond() {
        let mut log = LogDir::new();
        log.grow(300);
        let (older, path) = (log.read(CHECKPOINT), log.path());
        assert_eq!(tile_file(&path, 0, 1, 44).unwrap().unwrap(), log.read("tile/0/001.p/44"));
        assert_eq!(entries_file(&path, 0, 256).unwrap().unwrap(), log.read("tile/entries/000"));
        assert_eq!(checkpoint_file(&path).unwrap().unwrap(), older);
        for (level, n, width) in
            [(0, 1, 45), (0, 1, 256), (1, 0, 2), (2, 0, 1), (0, u64::MAX, 1), (0, 0, 0), (0, 0, 257)]
        {
            assert_eq!(tile_file(&path, level, n, width).unwrap(), None, "{level} {n} {width}");
        }
        log.grow(300);
        log.write(CHECKPOINT, &older);
        assert_eq!(tile_file(&path, 0, 1, 256).unwrap(), None, "written, and not signed");
        assert_eq!(cosigned_file(&path).unwrap(), None);
    }

    #[test]
    fn what_was_cosigned_before_a_new_key_signed_too_is_not_in_its_place() {
        let mut log = LogDir::new();
        log.grow(3);
        let (head, path) = (log.read(CHECKPOINT), log.path());
        let with = |lines: &[&[u8]]| lines.concat();
        let (witness, newer) =
            ("\u{2014} w.example AAAAAAAA\n".as_bytes(), "\u{2014} log.example BBBBBBBB\n".as_bytes());
        log.write(COSIGNED, &with(&[&head, witness]));
        assert_eq!(checkpoint_file(&path).unwrap().unwrap(), with(&[&head, witness]));
        log.write(CHECKPOINT, &with(&[&head, newer]));
        assert_eq!(checkpoint_file(&path).unwrap().unwrap(), with(&[&head, newer]), "with the new key's signature");
    }
}
