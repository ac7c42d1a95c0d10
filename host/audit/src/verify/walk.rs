//! Walks the tree from its top, in the order of the entries, and finds the files that are wrong.
//!
//! Invariant: where a tile and what lies below it differ, the hash above decides; where that decides nothing, both are
//! named.

use std::{fs, path::Path};

use tlog_tiles::{Hash, record_hash};

use super::faults::Faults;
use crate::{
    bundle,
    checkpoint::Checkpoint,
    disk::TEMPORARY,
    fault::Fault,
    layout::{self, CHECKPOINT, WIDTH},
    proof, read,
    tree::{self, subtree},
};

/// What is known of a tile from above it.
#[derive(Clone, Copy)]
enum Above {
    /// Its hash, by the tile above.
    Is(Hash),
    /// It lies at the right edge: the root is over all tiles there.
    Edge,
    /// Nothing: the tile above is lost.
    Unknown,
}

/// A tile's place.
#[derive(Clone, Copy)]
struct At {
    level: u8,
    n: u64,
    width: usize,
}

impl At {
    fn tile(self) -> String {
        layout::tile(self.level, self.n, self.width)
    }

    fn bundle(self) -> String {
        layout::bundle(self.n, self.width)
    }

    fn child(self, i: usize) -> Self {
        Self { level: self.level - 1, n: self.n * 256 + i as u64, width: WIDTH }
    }
}

/// One walk.
pub(super) struct Walk<'a> {
    dir: &'a Path,
    head: &'a Checkpoint,
    visit: &'a mut dyn FnMut(u64, &[u8]),
    faults: Faults,
    /// What is wrong as well, should the tiles at the right edge not be all that is.
    suspects: Vec<Fault>,
    /// Whether the tiles at the right edge lead to the signed root.
    edge_holds: bool,
}

impl<'a> Walk<'a> {
    pub fn new(dir: &'a Path, head: &'a Checkpoint, visit: &'a mut dyn FnMut(u64, &[u8])) -> Self {
        Self { dir, head, visit, faults: Faults::default(), suspects: Vec::new(), edge_holds: false }
    }

    /// Walks, and gives what is wrong.
    pub fn run(mut self) -> Faults {
        let places = layout::levels(self.head.size()).map(|level| {
            let (n, width) = layout::partial(self.head.size(), level);
            At { level, n, width }
        });
        let places: Vec<At> = places.collect();
        let stored: Vec<Option<Vec<Hash>>> = places.iter().map(|at| self.stored(*at)).collect();
        self.edge_holds = self.leads_to_root(&stored) == Some(true);
        let mut truth: Vec<Option<Vec<Hash>>> = Vec::new();
        for (at, stored) in places.into_iter().zip(stored).rev() {
            truth.push(if at.width == 0 { stored } else { self.tile(at, stored, Above::Edge) });
        }
        truth.reverse();
        if self.leads_to_root(&truth) == Some(false) && !self.faults.is_full() {
            self.faults.extend(std::mem::take(&mut self.suspects));
            if self.faults.is_empty() {
                self.faults.push(Fault::new(CHECKPOINT, "its root hash is not that of the tiles and entries"));
            }
        }
        self.faults
    }

    fn leads_to_root(&self, edge: &[Option<Vec<Hash>>]) -> Option<bool> {
        let edge: Option<Vec<&[Hash]>> = edge.iter().map(Option::as_deref).collect();
        Some(tree::root(&edge?) == self.head.root())
    }

    fn stored(&mut self, at: At) -> Option<Vec<Hash>> {
        if at.width == 0 {
            return Some(Vec::new());
        }
        read::tile(self.dir, at.level, at.n, at.width).map_err(|fault| self.faults.push(fault)).ok()
    }

    /// Checks a tile and all below it. Gives its hashes as they should be, as far as that can be known.
    fn tile(&mut self, at: At, stored: Option<Vec<Hash>>, above: Above) -> Option<Vec<Hash>> {
        if self.faults.is_full() {
            return stored;
        }
        let below = if at.level == 0 { self.entries(at) } else { self.children(at, stored.as_deref()) };
        let truth = self.settle(at, stored, below, above);
        if let Some(truth) = &truth {
            self.older(at, truth);
        }
        truth
    }

    fn entries(&mut self, at: At) -> Option<Vec<Hash>> {
        let bytes = read::entries(self.dir, at.n, at.width).map_err(|fault| self.faults.push(fault)).ok()?;
        let entries = bundle::split(&bytes, at.width).ok()?;
        for (index, entry) in (at.n * 256..).zip(&entries) {
            (self.visit)(index, entry);
        }
        Some(entries.into_iter().map(record_hash).collect())
    }

    fn children(&mut self, at: At, stored: Option<&[Hash]>) -> Option<Vec<Hash>> {
        let mut hashes = Vec::with_capacity(at.width);
        for i in 0..at.width {
            if self.faults.is_full() {
                return None;
            }
            let said = stored.map(|hashes| hashes[i]);
            let child = at.child(i);
            let tile = self.stored(child);
            let truth = self.tile(child, tile, said.map_or(Above::Unknown, Above::Is));
            hashes.push(truth.map(|hashes| subtree(&hashes)).or(said));
        }
        hashes.into_iter().collect()
    }

    /// Decides between a tile and what lies below it.
    fn settle(
        &mut self,
        at: At,
        stored: Option<Vec<Hash>>,
        below: Option<Vec<Hash>>,
        above: Above,
    ) -> Option<Vec<Hash>> {
        let is = |hashes: &[Hash]| matches!(above, Above::Is(hash) if subtree(hashes) == hash);
        match (stored, below) {
            (None, None) => None,
            (None, Some(below)) => Some(below),
            (Some(stored), None) => {
                if matches!(above, Above::Is(_)) && !is(&stored) {
                    self.faults.push(Fault::new(at.tile(), "does not match its hash in the tile above"));
                    return None;
                }
                Some(stored)
            }
            (Some(stored), Some(below)) if stored == below => Some(stored),
            (Some(stored), Some(below)) => {
                let holds = is(&stored) || matches!(above, Above::Edge) && self.edge_holds;
                if !holds {
                    self.faults.push(wrong_tile(at, &stored, &below));
                }
                if is(&below) {
                    return Some(below);
                }
                let wrong = wrong_below(at, &stored, &below);
                if matches!(above, Above::Edge) && !holds {
                    self.suspects.extend(wrong);
                } else {
                    self.faults.extend(wrong);
                }
                Some(if holds { stored } else { below })
            }
        }
    }

    /// Checks the partial files of older sizes that are still there.
    fn older(&mut self, at: At, truth: &[Hash]) {
        let full = At { width: WIDTH, ..at };
        for width in self.widths(&full.tile(), at) {
            let found = read::tile(self.dir, at.level, at.n, width);
            let name = At { width, ..at }.tile();
            self.beginning(name, found, truth);
        }
        let bundles = if at.level == 0 { self.widths(&full.bundle(), at) } else { Vec::new() };
        for width in bundles {
            let found = read::entries(self.dir, at.n, width);
            let hash = |bytes: Vec<u8>| -> Vec<Hash> {
                bundle::split(&bytes, width).unwrap_or_default().into_iter().map(record_hash).collect()
            };
            let name = At { width, ..at }.bundle();
            self.beginning(name, found.map(hash), truth);
        }
    }

    fn beginning(&mut self, name: String, found: Result<Vec<Hash>, Fault>, truth: &[Hash]) {
        match found {
            Ok(found) if truth.starts_with(&found) => {}
            Ok(_) => self.faults.push(Fault::new(name, "does not match the files of later sizes")),
            Err(fault) => self.faults.push(fault),
        }
    }

    /// The widths of the partial files that lie beside a full one's place, and are older than the tile.
    fn widths(&mut self, full: &str, at: At) -> Vec<usize> {
        let folder = format!("{full}.p");
        let Ok(items) = fs::read_dir(self.dir.join(&folder)) else { return Vec::new() };
        let mut widths = Vec::new();
        for name in items.flatten().map(|item| item.file_name().to_string_lossy().into_owned()) {
            match name.parse().ok().filter(|width: &usize| (1..WIDTH).contains(width) && width.to_string() == name) {
                Some(width) if width < at.width => widths.push(width),
                Some(_) => {}
                None if name.ends_with(TEMPORARY) => {}
                None => self.faults.push(Fault::new(format!("{folder}/{name}"), "is no file of a log")),
            }
        }
        widths.sort_unstable();
        widths
    }
}

fn first_difference(stored: &[Hash], below: &[Hash]) -> usize {
    stored.iter().zip(below).take_while(|(a, b)| a == b).count()
}

fn wrong_tile(at: At, stored: &[Hash], below: &[Hash]) -> Fault {
    let i = first_difference(stored, below);
    let of = match at.level {
        0 => format!("entry {} in {}", layout::grouped(at.n * 256 + i as u64), at.bundle()),
        _ => at.child(i).tile(),
    };
    Fault::new(at.tile(), format!("hash {i} is not that of {of}"))
}

fn wrong_below(at: At, stored: &[Hash], below: &[Hash]) -> Vec<Fault> {
    let pairs = stored.iter().zip(below).enumerate();
    let different = pairs.filter(|(_, (a, b))| a != b).map(|(i, _)| i);
    if at.level == 0 {
        return different.take(1).map(|i| proof::mismatch(at.n, at.width, at.n * 256 + i as u64)).collect();
    }
    let both = |i: usize| {
        let child = at.child(i);
        let tile = Fault::new(child.tile(), format!("does not match its hash in {}", at.tile()));
        let entries = Fault::new(child.bundle(), format!("its entries do not match their hash in {}", at.tile()));
        std::iter::once(tile).chain((child.level == 0).then_some(entries))
    };
    different.flat_map(both).collect()
}
