//! The right edge of the tree: all that is needed to append to it and to know its root (RFC 6962 section 2.1).
//!
//! Invariants: level `l` of an edge of `s` entries holds `(s >> 8l) mod 256` hashes; what a tile above holds is the
//! hash of a full tile below.

use tlog_tiles::{EMPTY_HASH, Hash, node_hash, record_hash};

use crate::{
    bundle,
    layout::{self, HASH, WIDTH},
};

/// The hash over hashes, as many as a power of two (a full tile, or a full part of one).
pub(crate) fn subtree(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => EMPTY_HASH,
        [hash] => *hash,
        _ => {
            let (left, right) = hashes.split_at(hashes.len().next_power_of_two() / 2);
            node_hash(subtree(left), subtree(right))
        }
    }
}

/// The root over the hashes of all partial tiles, level 0 first.
pub(crate) fn root<T: AsRef<[Hash]>>(levels: &[T]) -> Hash {
    let right_to_left = levels.iter().filter(|hashes| !hashes.as_ref().is_empty());
    let parts = right_to_left.map(|hashes| hashes.as_ref());
    // A partial tile's hashes are to the left of everything that the levels below it hold.
    parts.fold(None, |right, hashes| Some(with_right(hashes, right))).unwrap_or(EMPTY_HASH)
}

fn with_right(hashes: &[Hash], right: Option<Hash>) -> Hash {
    let mut parts = Vec::new();
    let mut rest = hashes;
    while !rest.is_empty() {
        let (perfect, behind) = rest.split_at(1 << rest.len().ilog2());
        parts.push(subtree(perfect));
        rest = behind;
    }
    let joined = parts.into_iter().chain(right).rev().reduce(|right, left| node_hash(left, right));
    joined.unwrap_or(EMPTY_HASH)
}

/// A tile's bytes.
pub(crate) fn to_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// A tile's hashes. A rest that is shorter than a hash is left out: check the length first.
pub(crate) fn from_bytes(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks::<HASH>().0.iter().map(|hash| Hash(*hash)).collect()
}

/// A log's right edge.
#[derive(Clone, Default)]
pub(crate) struct Edge {
    /// How many entries there are.
    pub size: u64,
    /// The hashes of each level's partial tile.
    pub levels: Vec<Vec<Hash>>,
    /// The bytes of the partial bundle.
    pub bundle: Vec<u8>,
}

impl Edge {
    /// Appends an entry of at most 65,535 bytes, and hands out each file that became full.
    pub fn push<E>(&mut self, entry: &[u8], mut full: impl FnMut(String, Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        bundle::push(&mut self.bundle, entry);
        self.size += 1;
        let mut hash = record_hash(entry);
        for level in 0u8..8 {
            let at = usize::from(level);
            if self.levels.len() <= at {
                self.levels.push(Vec::with_capacity(WIDTH));
            }
            self.levels[at].push(hash);
            if self.levels[at].len() < WIDTH {
                break;
            }
            let tile = std::mem::take(&mut self.levels[at]);
            let n = layout::partial(self.size, level).0 - 1;
            if level == 0 {
                full(layout::bundle(n, WIDTH), std::mem::take(&mut self.bundle))?;
            }
            full(layout::tile(level, n, WIDTH), to_bytes(&tile))?;
            hash = subtree(&tile);
        }
        Ok(())
    }

    /// The partial files that a log needs which had `old` entries before.
    pub fn partials(&self, old: u64) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for (level, hashes) in (0u8..).zip(&self.levels) {
            let (n, width) = layout::partial(self.size, level);
            if width == 0 || layout::hashes(old, level) == layout::hashes(self.size, level) {
                continue;
            }
            if level == 0 {
                files.push((layout::bundle(n, width), self.bundle.clone()));
            }
            files.push((layout::tile(level, n, width), to_bytes(hashes)));
        }
        files
    }

    /// The root hash.
    pub fn root(&self) -> Hash {
        root(&self.levels)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// RFC 6962 section 2.1, word for word.
    pub(crate) fn naive(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => EMPTY_HASH,
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(naive(left), naive(right))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_rfc() {
        let mut edge = Edge::default();
        let mut leaves = Vec::new();
        for i in 0..600u32 {
            assert_eq!(edge.root(), naive(&leaves), "{i}");
            edge.push(&i.to_be_bytes(), |_, _| Ok::<_, ()>(())).unwrap();
            leaves.push(record_hash(&i.to_be_bytes()));
        }
    }
}
