//! A view: the Merkle tree over the bodies of one tenant's entries, or of the host's own (decision 29).
//!
//! The tree is advanced when the log is published, one body after the other; each step gives the [`Leaf`] that goes into the host's
//! log. What was made of it since ([`View::take_tiles`]) is for whoever stores tiles.
//!
//! Invariants: the same leaf hashes in the same order give the same leaves and tiles, so that what a crash took can be made again
//! from the host's log alone; a tile that is full never changes, a partial one only grows.

use tlog_tiles::{EMPTY_HASH, Hash, record_hash};

use crate::{
    checkpoint::Checkpoint,
    fault::LogError,
    layout::{self, WIDTH},
    leaf::Leaf,
    tree::{self, Frontier, Spine},
};

/// A tile of a view's tree, with as many hashes as there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewTile {
    /// Its level: 0 for leaf hashes.
    pub level: u8,
    /// Its index within the level.
    pub n: u64,
    /// Its hashes, 32 bytes each.
    pub hashes: Vec<u8>,
    /// At level 0, where each of its entries stands in the host's log: 8 bytes each, the highest first. Empty above.
    pub indices: Vec<u8>,
}

/// A view's tree, as far as it is needed to append to it.
pub struct View {
    tag: String,
    spine: Spine,
    frontier: Frontier,
    /// Places in the host's log of the entries of the partial tile at level 0.
    indices: Vec<u8>,
    /// The size when tiles were last taken, and the tiles that became full since.
    taken: u64,
    full: Vec<ViewTile>,
}

impl View {
    /// A view that has no entry yet. Its tag: 32 hexadecimal digits.
    pub fn new(tag: impl Into<String>) -> Self {
        Self {
            tag: tag.into(),
            spine: Spine::default(),
            frontier: Frontier::default(),
            indices: Vec::new(),
            taken: 0,
            full: Vec::new(),
        }
    }

    /// A view of this size, from its partial tiles and its signed head as they were stored. What is damaged is found; whoever can
    /// store what they like is not.
    ///
    /// # Errors
    /// The tiles are not those of a view of this size, or do not lead to the head that was signed for it.
    pub fn load(tag: impl Into<String>, size: u64, tiles: &[ViewTile], head: Option<&[u8]>) -> Result<Self, LogError> {
        let mut view = Self::new(tag);
        let wrong = |view: &Self| LogError::Proof(format!("the stored tiles of view {} are damaged", view.tag));
        for level in layout::levels(size) {
            let (n, width) = layout::partial(size, level);
            let tile = tiles.iter().find(|tile| (tile.level, tile.n) == (level, n));
            let hashes = tile.map(|tile| tree::from_bytes(&tile.hashes)).unwrap_or_default();
            let indices = tile.map_or(0, |tile| tile.indices.len());
            if hashes.len() != width || (level == 0 && indices != width * 8) {
                return Err(wrong(&view));
            }
            if let (0, Some(tile)) = (level, tile) {
                view.indices.clone_from(&tile.indices);
            }
            view.spine.levels.push(hashes);
        }
        view.spine.size = size;
        view.frontier = Frontier::of(&view.spine);
        view.taken = size;
        match head.is_none_or(|note| Checkpoint::claims(note) == Some((size, view.root()))) {
            true => Ok(view),
            false => Err(wrong(&view)),
        }
    }

    /// Its tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// How many entries it has.
    pub fn size(&self) -> u64 {
        self.spine.size
    }

    /// Its root hash.
    pub fn root(&self) -> Hash {
        if self.size() == 0 { EMPTY_HASH } else { self.frontier.root() }
    }

    /// Appends the body of the entry of this index. Gives the leaf for the host's log.
    pub fn push(&mut self, index: u64, body: &[u8]) -> Leaf {
        self.push_hash(index, record_hash(body))
    }

    /// The same with nothing but the body's leaf hash.
    pub fn push_hash(&mut self, index: u64, entry: Hash) -> Leaf {
        self.indices.extend_from_slice(&index.to_be_bytes());
        let (indices, done) = (&mut self.indices, &mut self.full);
        let keep = |level, n, hashes: Vec<Hash>| -> Result<(), std::convert::Infallible> {
            let indices = if level == 0 { std::mem::take(indices) } else { Vec::new() };
            done.push(ViewTile { level, n, hashes: tree::to_bytes(&hashes), indices });
            Ok(())
        };
        let Ok(()) = self.spine.push(entry, keep);
        self.frontier.push(entry);
        Leaf { index, view: self.tag.clone(), size: self.size(), entry, root: self.frontier.root() }
    }

    /// The tiles that became full since this was last called, and the partial ones that changed.
    pub fn take_tiles(&mut self) -> Vec<ViewTile> {
        let mut tiles = std::mem::take(&mut self.full);
        for (level, n, hashes) in self.spine.partials(self.taken) {
            let indices = if level == 0 { self.indices.clone() } else { Vec::new() };
            tiles.push(ViewTile { level, n, hashes: tree::to_bytes(hashes), indices });
        }
        self.taken = self.spine.size;
        tiles
    }

    /// The tiles that became full since they were last taken, and no partial ones.
    pub fn take_full(&mut self) -> Vec<ViewTile> {
        std::mem::take(&mut self.full)
    }

    /// Which partial tiles a view of this size has: level and index of each.
    pub fn partials_of(size: u64) -> Vec<(u8, u64)> {
        let places = layout::levels(size).map(|level| (level, layout::partial(size, level)));
        places.filter(|(_, (_, width))| (1..WIDTH).contains(width)).map(|(level, (n, _))| (level, n)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(n: u64) -> Vec<u8> {
        format!("body {n}").into_bytes()
    }

    #[test]
    fn a_view_goes_on_from_its_tiles_as_if_it_had_never_stopped() {
        let tag = "0a".repeat(16);
        let mut whole = View::new(tag.clone());
        let mut stored: Vec<ViewTile> = Vec::new();
        let mut restarted = View::new(tag.clone());
        for n in 0..700u64 {
            let leaf = whole.push(3 * n, &body(n));
            assert_eq!(restarted.push(3 * n, &body(n)), leaf);
            assert_eq!((leaf.index, leaf.size, leaf.root), (3 * n, n + 1, whole.root()));
            if n % 50 == 5 || n == 255 || n == 256 {
                for tile in restarted.take_tiles() {
                    stored.retain(|old| (old.level, old.n) != (tile.level, tile.n));
                    stored.push(tile);
                }
                let partials = View::partials_of(n + 1);
                let edge: Vec<ViewTile> =
                    stored.iter().filter(|tile| partials.contains(&(tile.level, tile.n))).cloned().collect();
                restarted = View::load(tag.clone(), n + 1, &edge, None).unwrap();
                if n > 0 && n != 255 {
                    assert!(View::load(tag.clone(), n, &edge, None).is_err(), "{n}");
                }
            }
        }
        let first = stored.iter().find(|tile| (tile.level, tile.n) == (0, 1)).unwrap();
        assert_eq!(first.indices[..16], [768u64.to_be_bytes(), 771u64.to_be_bytes()].concat());
        assert_eq!((first.hashes.len(), first.indices.len()), (8_192, 2_048));
    }
}
