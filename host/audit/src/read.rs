//! Reads files of a log. Checks their form, not their truth.
//!
//! Invariants: never more bytes are read than a file of its kind can have; where a partial file was removed because the
//! full one is there, the full one's beginning is taken.

use std::{
    fs::File,
    io::{ErrorKind, Read as _},
    path::Path,
};

use tlog_tiles::Hash;

use crate::{
    bundle,
    checkpoint::{Checkpoint, CheckpointError},
    fault::{Fault, LogError},
    key::LogVerifier,
    layout::{self, CHECKPOINT, HASH, MAX_BUNDLE, WIDTH, grouped},
    tree,
};

/// The most bytes of a checkpoint file.
const MAX_CHECKPOINT: u64 = 1 << 20;

/// A file's bytes; `None` where there is no such file.
pub(crate) fn file(dir: &Path, name: &str, most: u64) -> Result<Option<Vec<u8>>, Fault> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(dir.join(name))?.take(most + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    match read() {
        Ok(bytes) if bytes.len() as u64 > most => {
            Err(Fault::new(name, format!("is longer than {} bytes, the most it can have", grouped(most))))
        }
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Fault::new(name, format!("cannot be read: {error}"))),
    }
}

/// The signed head. `Err` of `Err` is a checkpoint that was read and is not acceptable.
pub(crate) fn checkpoint(dir: &Path, keys: &[LogVerifier]) -> Result<Checkpoint, LogError> {
    let note = file(dir, CHECKPOINT, MAX_CHECKPOINT).map_err(LogError::Damaged)?;
    let note = note.ok_or_else(|| LogError::Damaged(Fault::missing(CHECKPOINT)))?;
    Checkpoint::open_any(&note, keys).map_err(|error: CheckpointError| error.into())
}

/// The first `width` hashes of a tile.
pub(crate) fn tile(dir: &Path, level: u8, n: u64, width: usize) -> Result<Vec<Hash>, Fault> {
    let name = layout::tile(level, n, width);
    match exact_tile(dir, &name, width)? {
        Some(hashes) => Ok(hashes),
        None if width == WIDTH => Err(Fault::missing(name)),
        None => {
            let full = exact_tile(dir, &layout::tile(level, n, WIDTH), WIDTH)?;
            let mut hashes = full.ok_or_else(|| Fault::missing(name))?;
            hashes.truncate(width);
            Ok(hashes)
        }
    }
}

fn exact_tile(dir: &Path, name: &str, width: usize) -> Result<Option<Vec<Hash>>, Fault> {
    let Some(bytes) = file(dir, name, (WIDTH * HASH) as u64)? else { return Ok(None) };
    if bytes.len() != width * HASH {
        let (is, expected) = (grouped(bytes.len() as u64), grouped((width * HASH) as u64));
        return Err(Fault::new(name, format!("has {is} bytes instead of {expected}")));
    }
    Ok(Some(tree::from_bytes(&bytes)))
}

/// The bytes of the first `width` entries of a bundle: fit for [`bundle::split`].
pub(crate) fn entries(dir: &Path, n: u64, width: usize) -> Result<Vec<u8>, Fault> {
    let name = layout::bundle(n, width);
    if let Some(bytes) = file(dir, &name, MAX_BUNDLE)? {
        return match bundle::split(&bytes, width) {
            Ok(_) => Ok(bytes),
            Err(what) => Err(Fault::new(name, what)),
        };
    }
    let full = layout::bundle(n, WIDTH);
    let Some(mut bytes) = file(dir, &full, MAX_BUNDLE)? else { return Err(Fault::missing(name)) };
    let rest = bundle::split_first(&bytes, width).map(|(_, rest)| rest.len());
    let rest = rest.map_err(|what| Fault::new(full, what))?;
    bytes.truncate(bytes.len() - rest);
    Ok(bytes)
}
