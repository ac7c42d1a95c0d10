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

/// A tree's right edge, over leaf hashes.
#[derive(Clone, Default)]
pub(crate) struct Spine {
    /// How many leaves there are.
    pub size: u64,
    /// The hashes of each level's partial tile.
    pub levels: Vec<Vec<Hash>>,
}

impl Spine {
    /// Appends a leaf hash, and hands out each tile that became full: its level, index and hashes.
    pub fn push<E>(&mut self, leaf: Hash, mut full: impl FnMut(u8, u64, Vec<Hash>) -> Result<(), E>) -> Result<(), E> {
        self.size += 1;
        let mut hash = leaf;
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
            hash = subtree(&tile);
            full(level, layout::partial(self.size, level).0 - 1, tile)?;
        }
        Ok(())
    }

    /// The partial tiles, with level, index and hashes, that a tree needs which had `old` leaves before.
    pub fn partials(&self, old: u64) -> impl Iterator<Item = (u8, u64, &[Hash])> {
        (0u8..).zip(&self.levels).filter_map(move |(level, hashes)| {
            let (n, width) = layout::partial(self.size, level);
            let grew = layout::hashes(old, level) != layout::hashes(self.size, level);
            (width > 0 && grew).then_some((level, n, hashes.as_slice()))
        })
    }

    /// The root hash.
    pub fn root(&self) -> Hash {
        root(&self.levels)
    }
}

/// A log's right edge: a tree's, and the entries of the newest bundle.
#[derive(Clone, Default)]
pub(crate) struct Edge {
    /// The tree.
    pub spine: Spine,
    /// The bytes of the partial bundle.
    pub bundle: Vec<u8>,
}

impl Edge {
    /// Appends an entry of at most 65,535 bytes, and hands out each file that became full.
    pub fn push<E>(&mut self, entry: &[u8], mut full: impl FnMut(String, Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        bundle::push(&mut self.bundle, entry);
        let Self { spine, bundle } = self;
        spine.push(record_hash(entry), |level, n, tile| {
            if level == 0 {
                full(layout::bundle(n, WIDTH), std::mem::take(bundle))?;
            }
            full(layout::tile(level, n, WIDTH), to_bytes(&tile))
        })
    }

    /// The partial files that a log needs which had `old` entries before.
    pub fn partials(&self, old: u64) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for (level, n, hashes) in self.spine.partials(old) {
            if level == 0 {
                files.push((layout::bundle(n, hashes.len()), self.bundle.clone()));
            }
            files.push((layout::tile(level, n, hashes.len()), to_bytes(hashes)));
        }
        files
    }
}

/// A tree of which only the root is wanted, after each leaf: the roots of its perfect subtrees, the widest first (RFC 6962,
/// section 2.1). An append costs two hashes on average, a root as many as the size has ones.
#[derive(Clone, Default)]
pub(crate) struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// Of a tree with this right edge.
    pub fn of(spine: &Spine) -> Self {
        let mut subtrees = Vec::new();
        for hashes in spine.levels.iter().rev() {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let (perfect, behind) = rest.split_at(1 << rest.len().ilog2());
                subtrees.push(subtree(perfect));
                rest = behind;
            }
        }
        Self { size: spine.size, subtrees }
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                hash = node_hash(left, hash);
            }
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    pub fn root(&self) -> Hash {
        self.subtrees.iter().rev().copied().reduce(|right, left| node_hash(left, right)).unwrap_or(EMPTY_HASH)
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
        let (mut edge, mut frontier) = (Edge::default(), Frontier::default());
        let mut leaves = Vec::new();
        for i in 0..600u32 {
            let root = naive(&leaves);
            assert_eq!([edge.spine.root(), frontier.root(), Frontier::of(&edge.spine).root()], [root; 3], "{i}");
            let leaf = record_hash(&i.to_be_bytes());
            edge.push(&i.to_be_bytes(), |_, _| Ok::<_, ()>(())).unwrap();
            frontier.push(leaf);
            leaves.push(leaf);
        }
    }
}
