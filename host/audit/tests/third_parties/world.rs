//! A log of two tenants' views, published in many steps, with checkpoints that somebody kept.

use std::{fs, path::PathBuf};

use portcullis_audit::{
    Checkpoint, ENTRY_PROOF, EntryProof, InView, Leaf, Log, LogKey, LogVerifier, Publisher, View, ViewLog, ViewTile,
    copy_log,
};
use portcullis_model::time::Rng;
use tempfile::TempDir;

/// Not random at all.
pub struct Counter(pub u8);

impl Rng for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.iter_mut().zip(self.0..).for_each(|(byte, n)| *byte = n);
    }
}

pub fn key() -> LogKey {
    LogKey::generate(&Counter(1))
}

/// The body of an entry.
pub fn body(index: u64) -> Vec<u8> {
    format!(
        r#"{{"actor":{{"type":"host"}},"kind":"host.started","nonce":"{index}","time":"2026-11-01T00:00:00.000Z"}}"#
    )
    .into()
}

/// A view, and its bodies.
pub struct TenantView {
    pub view: View,
    pub bodies: Vec<Vec<u8>>,
    pub tiles: Vec<ViewTile>,
    pub head: Option<Checkpoint>,
    pub older: Vec<PathBuf>,
}

/// The log.
pub struct World {
    pub dir: TempDir,
    pub views: Vec<TenantView>,
    /// Checkpoints that were kept.
    pub older: Vec<PathBuf>,
    leaves: Vec<Leaf>,
}

/// How many entries there are.
pub const ENTRIES: u64 = 700;
/// How many each checkpoint adds.
const STEP: u64 = 175;

/// Which of the two an entry is of.
pub fn whose(index: u64) -> usize {
    usize::from(index.is_multiple_of(3))
}

impl World {
    pub fn new() -> Self {
        Self::with(whose, body)
    }

    /// Of other entries: whose each is, and what stands in it.
    pub fn with(whose: impl Fn(u64) -> usize, body: impl Fn(u64) -> Vec<u8>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let view = |tag: &str| TenantView {
            view: View::new(tag.repeat(16)),
            bodies: Vec::new(),
            tiles: Vec::new(),
            head: None,
            older: Vec::new(),
        };
        let mut world = Self { views: vec![view("0a"), view("0b")], older: Vec::new(), leaves: Vec::new(), dir };
        let mut publisher = Publisher::create(&world.log(), key()).unwrap();
        for from in (0..ENTRIES).step_by(STEP as usize) {
            for index in from..from + STEP {
                let of = &mut world.views[whose(index)];
                world.leaves.push(of.view.push(index, &body(index)));
                of.bodies.push(body(index));
            }
            let fresh: Vec<Vec<u8>> = world.leaves[from as usize..].iter().map(Leaf::encode).collect();
            let head = publisher.append(&fresh).unwrap();
            world.keep(&publisher, &head);
        }
        world
    }

    fn keep(&mut self, publisher: &Publisher, head: &Checkpoint) {
        let file = |name: String, note: &[u8]| {
            let file = self.dir.path().join(name);
            fs::write(&file, note).unwrap();
            file
        };
        self.older.push(file(format!("{}.checkpoint", head.size()), head.note()));
        for (n, of) in self.views.iter_mut().enumerate() {
            let head = publisher.sign_view(&of.view).unwrap();
            of.older.push(file(format!("view-{n}-{}.checkpoint", head.size()), head.note()));
            for tile in of.view.take_tiles() {
                of.tiles.retain(|old| (old.level, old.n) != (tile.level, tile.n));
                of.tiles.push(tile);
            }
            of.head = Some(head);
        }
    }

    pub fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    pub fn verifier(&self) -> LogVerifier {
        key().verifier()
    }

    pub fn vkey(&self) -> String {
        key().vkey()
    }

    pub fn view_vkey(&self, of: &TenantView) -> String {
        self.verifier().of_view(of.view.tag()).vkey()
    }

    /// The view as a directory.
    pub fn copy(&self, of: &TenantView) -> PathBuf {
        let dir = self.dir.path().join(of.view.tag());
        copy_log(&dir, of.head.as_ref().unwrap(), |position| Ok(of.bodies[position as usize].clone())).unwrap();
        dir
    }

    /// The proof of an entry, in a file.
    pub fn proof(&self, index: u64) -> PathBuf {
        let leaf = &self.leaves[index as usize];
        let of = self.views.iter().find(|of| of.view.tag() == leaf.view).unwrap();
        let tile = |level: u8, n: u64| {
            let found = of.tiles.iter().find(|tile| (tile.level, tile.n) == (level, n));
            Ok::<_, String>(found.map(|tile| tile.hashes.clone()))
        };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let position = leaf.size - 1;
        let log = Log::open(&self.log(), &self.verifier()).unwrap();
        let proof = EntryProof {
            format: ENTRY_PROOF.to_owned(),
            index,
            entry: text(of.bodies[position as usize].clone()),
            leaf: Some(text(leaf.encode())),
            proof: text(log.proof_text(index).unwrap()),
            key: self.vkey(),
            view: Some(InView {
                tag: leaf.view.clone(),
                position,
                proof: text(ViewLog::new(of.head.clone().unwrap(), tile).proof_text(position).unwrap()),
                key: self.view_vkey(of),
            }),
        };
        proof.check(&self.verifier()).unwrap();
        let file = self.dir.path().join(format!("proof-{index}.json"));
        fs::write(&file, serde_json::to_vec_pretty(&proof).unwrap()).unwrap();
        file
    }
}
