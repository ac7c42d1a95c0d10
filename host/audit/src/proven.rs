//! Reads hashes of the tree, each led to the signed root.
//!
//! The tile reader of `tlog_tiles` 0.2 is not used: where several parts of the root lie in one tile it leaves as many full
//! tiles unchecked, so a changed hash comes through as proven.
//!
//! Invariants: the tiles at the right edge are believed only where together they make the root, and any other tile only
//! where its hash stands in a tile that is believed; memory is one tile a level.

use std::{cell::RefCell, path::Path, rc::Rc};

use tlog_tiles::{Error, Hash, HashReader, split_stored_hash_index};

use crate::{
    checkpoint::Checkpoint,
    fault::Fault,
    layout::{self, CHECKPOINT, HASH, WIDTH},
    read,
    tree::{self, subtree},
};

/// Where the tiles of a tree lie.
pub(crate) trait Source {
    /// The first `width` hashes of a tile. Checked for their number alone.
    fn tile(&self, level: u8, n: u64, width: usize) -> Result<Vec<Hash>, Fault>;
}

/// A log's directory.
pub(crate) struct Files<'a>(pub &'a Path);

impl Source for Files<'_> {
    fn tile(&self, level: u8, n: u64, width: usize) -> Result<Vec<Hash>, Fault> {
        read::tile(self.0, level, n, width)
    }
}

/// Tiles that somebody else keeps, by level and index: as many bytes of each as there are.
pub(crate) struct Stored<F>(pub F);

impl<F: Fn(u8, u64) -> Result<Option<Vec<u8>>, String>> Source for Stored<F> {
    fn tile(&self, level: u8, n: u64, width: usize) -> Result<Vec<Hash>, Fault> {
        let name = || layout::tile(level, n, width);
        let bytes = (self.0)(level, n).map_err(|error| Fault::new(name(), format!("cannot be read: {error}")))?;
        let bytes = bytes.ok_or_else(|| Fault::missing(name()))?;
        let hashes = tree::from_bytes(bytes.get(..width * HASH).unwrap_or_default());
        if hashes.len() == width { Ok(hashes) } else { Err(Fault::new(name(), "has not as many hashes as it should")) }
    }
}

/// A tile and its index within its level.
type Held = (u64, Rc<[Hash]>);

/// The tree of one checkpoint.
pub(crate) struct Proven<'a> {
    source: &'a dyn Source,
    size: u64,
    edge: Vec<Rc<[Hash]>>,
    /// The tile of each level that was read last.
    last: RefCell<Vec<Option<Held>>>,
}

impl<'a> Proven<'a> {
    /// Reads the right edge, and checks it against the root.
    pub fn new(source: &'a dyn Source, head: &Checkpoint) -> Result<Self, Fault> {
        let edge = edge(source, head)?.into_iter().map(Rc::from).collect::<Vec<_>>();
        let last = RefCell::new(vec![None; edge.len()]);
        Ok(Self { source, size: head.size(), edge, last })
    }

    /// A tile's hashes.
    pub fn tile(&self, level: u8, n: u64) -> Result<Rc<[Hash]>, Fault> {
        let at = usize::from(level);
        let Some(edge) = self.edge.get(at) else { return Err(beyond(level, n)) };
        let (last, _) = layout::partial(self.size, level);
        if n >= last {
            return if n == last { Ok(edge.clone()) } else { Err(beyond(level, n)) };
        }
        if let Some((_, hashes)) = self.last.borrow()[at].as_ref().filter(|(held, _)| *held == n) {
            return Ok(hashes.clone());
        }
        let hashes: Rc<[Hash]> = self.source.tile(level, n, WIDTH)?.into();
        let above = self.tile(level + 1, n / 256)?;
        if above.get((n % 256) as usize) != Some(&subtree(&hashes)) {
            return Err(Fault::new(layout::tile(level, n, WIDTH), "does not match its hash in the tile above"));
        }
        self.last.borrow_mut()[at] = Some((n, hashes.clone()));
        Ok(hashes)
    }

    /// The hash over the `2^level` entries from `n * 2^level` on.
    fn hash(&self, level: u8, n: u64) -> Result<Hash, Fault> {
        let (tile_level, height) = (level / 8, level % 8);
        let first = n << height;
        let hashes = self.tile(tile_level, first / 256)?;
        let first = (first % 256) as usize;
        let covered = hashes.get(first..first + (1 << height));
        covered.map(subtree).ok_or_else(|| beyond(tile_level, n))
    }
}

fn beyond(level: u8, n: u64) -> Fault {
    Fault::new(layout::tile(level, n, WIDTH), "is beyond the checkpoint")
}

impl HashReader for Proven<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let hash = |index: &u64| {
            let (level, n) = split_stored_hash_index(*index);
            self.hash(level, n).map_err(|fault| Error::InvalidInput(fault.to_string()))
        };
        indexes.iter().map(hash).collect()
    }
}

/// The hashes of each level's partial tile, level 0 first, which together make the root.
pub(crate) fn edge(source: &dyn Source, head: &Checkpoint) -> Result<Vec<Vec<Hash>>, Fault> {
    let mut levels = Vec::new();
    for level in layout::levels(head.size()) {
        let (n, width) = layout::partial(head.size(), level);
        levels.push(if width == 0 { Vec::new() } else { source.tile(level, n, width)? });
    }
    if tree::root(&levels) != head.root() {
        return Err(Fault::new(CHECKPOINT, "its root hash is not that of the newest tiles"));
    }
    Ok(levels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LogDir;

    #[test]
    fn no_tile_is_believed_that_does_not_lead_to_the_root() {
        for size in [300, 512, 600, 1023] {
            let mut log = LogDir::new();
            let head = log.grow(size);
            for name in log.files().iter().filter(|name| !name.contains("entries") && *name != CHECKPOINT) {
                for at in (0..log.read(name).len()).step_by(101) {
                    log.flip(name, at);
                    let path = log.path();
                    let all = |tree: Proven<'_>| (0..size.div_ceil(256)).try_for_each(|n| tree.tile(0, n).map(drop));
                    assert!(Proven::new(&Files(&path), &head).and_then(all).is_err(), "{name} {at}");
                    log.flip(name, at);
                }
            }
        }
    }
}
