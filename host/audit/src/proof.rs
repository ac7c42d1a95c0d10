//! Reading a log with proof: entries, inclusion proofs and consistency proofs, each led to the signed root.
//!
//! Invariants: nothing is given out that the checkpoint's root does not prove; checking needs no log directory.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use tlog_tiles::{Error, Hash, record_hash};

use crate::{
    bundle,
    checkpoint::Checkpoint,
    fault::{Fault, LogError},
    key::LogVerifier,
    layout::{self, WIDTH},
    proven::{Files, Proven, Source, Stored},
    read,
};

/// A log as of one checkpoint, for reading.
pub struct Log {
    dir: PathBuf,
    head: Checkpoint,
}

impl Log {
    /// Opens a log at its present head.
    pub fn open(dir: &Path, key: &LogVerifier) -> Result<Self, LogError> {
        Ok(Self::at(dir, read::checkpoint(dir, std::slice::from_ref(key))?))
    }

    /// A log as of an older checkpoint that was kept.
    pub fn at(dir: &Path, head: Checkpoint) -> Self {
        Self { dir: dir.to_owned(), head }
    }

    /// The checkpoint that everything is led to.
    pub fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// Visits the entries of a range, in order, each proven to be in the log. Memory: one bundle.
    pub fn entries(&self, range: Range<u64>, mut visit: impl FnMut(u64, &[u8])) -> Result<(), LogError> {
        self.reaches(range.end)?;
        let files = Files(&self.dir);
        let tree = Proven::new(&files, &self.head).map_err(LogError::Damaged)?;
        for n in range.start / 256..range.end.div_ceil(256) {
            let hashes = tree.tile(0, n).map_err(LogError::Damaged)?;
            let width = hashes.len().min(WIDTH);
            let bytes = read::entries(&self.dir, n, width).map_err(LogError::Damaged)?;
            let entries = bundle::split(&bytes, width).map_err(LogError::Proof)?;
            for ((index, entry), hash) in (n * 256..).zip(entries).zip(hashes.iter()) {
                if record_hash(entry) != *hash {
                    return Err(LogError::Damaged(mismatch(n, width, index)));
                }
                if range.contains(&index) {
                    visit(index, entry);
                }
            }
        }
        Ok(())
    }

    /// Proves that the entry of this index is in the log (RFC 6962 section 2.1.1).
    pub fn inclusion(&self, index: u64) -> Result<Vec<Hash>, LogError> {
        inclusion(&Files(&self.dir), &self.head, index)
    }

    /// Proves that an older log is the beginning of this one (RFC 6962 section 2.1.2). Nothing needs to be said where
    /// the older one is empty.
    pub fn consistency(&self, older: &Checkpoint) -> Result<Vec<Hash>, LogError> {
        self.consistency_from(older.size())
    }

    /// The same, from a size.
    pub fn consistency_from(&self, older: u64) -> Result<Vec<Hash>, LogError> {
        consistency(&Files(&self.dir), &self.head, older)
    }

    /// The inclusion proof in the form of C2SP tlog-proof, with the checkpoint in it.
    pub fn proof_text(&self, index: u64) -> Result<Vec<u8>, LogError> {
        proof_text(&Files(&self.dir), &self.head, index)
    }

    fn reaches(&self, end: u64) -> Result<(), LogError> {
        reaches(&self.head, end)
    }
}

/// A view as of one checkpoint of it, for proofs. Its tiles lie with somebody else.
pub struct ViewLog<F> {
    tiles: Stored<F>,
    head: Checkpoint,
}

impl<F: Fn(u8, u64) -> Result<Option<Vec<u8>>, String>> ViewLog<F> {
    /// Of this head, with a way to its tiles: by level and index, as many bytes of each as there are.
    pub fn new(head: Checkpoint, tiles: F) -> Self {
        Self { tiles: Stored(tiles), head }
    }

    /// The checkpoint that everything is led to.
    pub fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// As [`Log::consistency`].
    pub fn consistency_from(&self, older: u64) -> Result<Vec<Hash>, LogError> {
        consistency(&self.tiles, &self.head, older)
    }

    /// As [`Log::proof_text`], of the entry at this place of the view.
    pub fn proof_text(&self, position: u64) -> Result<Vec<u8>, LogError> {
        proof_text(&self.tiles, &self.head, position)
    }
}

fn inclusion(source: &dyn Source, head: &Checkpoint, index: u64) -> Result<Vec<Hash>, LogError> {
    reaches(head, index.saturating_add(1))?;
    prove(source, head, |tree| tlog_tiles::prove_record(head.size(), index, tree))
}

fn consistency(source: &dyn Source, head: &Checkpoint, older: u64) -> Result<Vec<Hash>, LogError> {
    reaches(head, older)?;
    if older == 0 {
        return Ok(Vec::new());
    }
    prove(source, head, |tree| tlog_tiles::prove_tree(head.size(), older, tree))
}

fn proof_text(source: &dyn Source, head: &Checkpoint, index: u64) -> Result<Vec<u8>, LogError> {
    let mut text = format!("c2sp.org/tlog-proof@v1\nindex {index}\n");
    for hash in inclusion(source, head, index)? {
        text.push_str(&format!("{hash}\n"));
    }
    text.push('\n');
    Ok([text.as_bytes(), head.note()].concat())
}

fn reaches(head: &Checkpoint, end: u64) -> Result<(), LogError> {
    let size = head.size();
    if end > size { Err(LogError::Range { size, asked: end }) } else { Ok(()) }
}

fn prove(
    source: &dyn Source,
    head: &Checkpoint,
    with: impl FnOnce(&Proven<'_>) -> Result<Vec<Hash>, Error>,
) -> Result<Vec<Hash>, LogError> {
    let tree = Proven::new(source, head).map_err(LogError::Damaged)?;
    with(&tree).map_err(|error| match error {
        Error::InvalidInput(what) => LogError::Proof(what),
        other => LogError::Proof(other.to_string()),
    })
}

/// An entry's fault where its hash is another.
pub(crate) fn mismatch(n: u64, width: usize, index: u64) -> Fault {
    let what = format!("entry {} does not match its hash in {}", layout::grouped(index), layout::tile(0, n, width));
    Fault::new(layout::bundle(n, width), what)
}

/// Whether an inclusion proof shows that this entry has this index in the log of this checkpoint.
pub fn check_inclusion(proof: &[Hash], head: &Checkpoint, index: u64, entry: &[u8]) -> bool {
    tlog_tiles::check_record(&proof.to_vec(), head.size(), head.root(), index, record_hash(entry)).is_ok()
}

/// The most hashes of a proof: the tree of as many entries as can be counted is no deeper.
const MOST_HASHES: usize = 64;

/// The longest proof text that is read, in bytes.
const MAX_PROOF: usize = 64 * 1024;

/// Checks a proof text (C2SP tlog-proof, as [`Log::proof_text`] gives it) with nothing but the log's key. Gives the index that
/// this entry has in the log.
///
/// # Errors
/// The text is no such proof, its checkpoint is not signed by the key, or it does not prove this entry.
pub fn check_proof(text: &str, key: &LogVerifier, entry: &[u8]) -> Result<u64, LogError> {
    check_proof_of(text, key, record_hash(entry)).map(|(index, _)| index)
}

/// The same of an entry of which only the leaf hash is known. Gives the checkpoint that it is led to as well.
///
/// # Errors
/// As [`check_proof`].
pub fn check_proof_of(text: &str, key: &LogVerifier, entry: Hash) -> Result<(u64, Checkpoint), LogError> {
    let wrong = |what: &str| LogError::Proof(what.to_owned());
    if text.len() > MAX_PROOF {
        return Err(wrong("the proof is too long"));
    }
    let (head, note) = text.split_once("\n\n").ok_or_else(|| wrong("the proof has no checkpoint"))?;
    let mut lines = head.lines();
    if lines.next() != Some("c2sp.org/tlog-proof@v1") {
        return Err(wrong("it does not begin with c2sp.org/tlog-proof@v1"));
    }
    let index = lines.next().and_then(|line| line.strip_prefix("index ")?.parse().ok());
    let index: u64 = index.ok_or_else(|| wrong("the proof has no index"))?;
    let hash = |line: &str| serde_json::from_value::<Hash>(line.into()).map_err(|_| wrong("a line of it is no hash"));
    let hashes = lines.take(MOST_HASHES + 1).map(hash).collect::<Result<Vec<Hash>, LogError>>()?;
    if hashes.len() > MOST_HASHES {
        return Err(wrong("the proof has too many hashes"));
    }
    let head = Checkpoint::open(note.as_bytes(), key).map_err(|error| wrong(&error.to_string()))?;
    match tlog_tiles::check_record(&hashes, head.size(), head.root(), index, entry).is_ok() {
        true => Ok((index, head)),
        false => Err(wrong("the proof does not show that this entry is in the log")),
    }
}

/// Whether a consistency proof shows that the log of the older checkpoint is the beginning of the newer one's.
pub fn check_consistency(proof: &[Hash], older: &Checkpoint, newer: &Checkpoint) -> bool {
    if older.origin() != newer.origin() {
        return false;
    }
    if older.size() == 0 {
        return proof.is_empty() && older.root() == tlog_tiles::EMPTY_HASH;
    }
    tlog_tiles::check_tree(&proof.to_vec(), newer.size(), newer.root(), older.size(), older.root()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LogDir, STRIDE, entry};

    #[test]
    fn proves_every_entry_and_every_older_head() {
        let mut log = LogDir::new();
        let heads: Vec<Checkpoint> = [0, 1, 1, 5, 248, 1, 1, 256, 87].map(|more| log.grow(more)).into();
        let (newest, reader) = (heads.last().unwrap(), Log::open(&log.path(), &log.verifier()).unwrap());
        for index in (0..newest.size()).step_by(5) {
            let proof = reader.inclusion(index).unwrap();
            assert!(check_inclusion(&proof, newest, index, &entry(index)));
            assert!(!check_inclusion(&proof, newest, index, &entry(index + 1)));
            assert!(!check_inclusion(&proof, newest, index ^ 1, &entry(index)));
            assert!(!check_inclusion(&proof, &heads[5], index, &entry(index)));
        }
        for (i, newer) in heads.iter().enumerate() {
            for older in &heads[..=i] {
                let mut proof = Log::at(&log.path(), newer.clone()).consistency(older).unwrap();
                assert!(check_consistency(&proof, older, newer), "{} {}", older.size(), newer.size());
                proof.push(newer.root());
                assert!(!check_consistency(&proof, older, newer));
            }
        }
        assert!(matches!(reader.inclusion(600), Err(LogError::Range { size: 600, asked: 601 })));
    }

    #[test]
    fn a_proof_text_is_that_of_the_specification() {
        let mut log = LogDir::new();
        let head = log.grow(3);
        let reader = Log::open(&log.path(), &log.verifier()).unwrap();
        let text = String::from_utf8(reader.proof_text(2).unwrap()).unwrap();
        let sibling = reader.inclusion(2).unwrap()[0];
        let note = String::from_utf8(head.note().to_vec()).unwrap();
        assert_eq!(text, format!("c2sp.org/tlog-proof@v1\nindex 2\n{sibling}\n\n{note}"));
        let key = log.verifier();
        assert_eq!(check_proof(&text, &key, &entry(2)).unwrap(), 2);
        assert!(check_proof(&text, &key, &entry(1)).is_err(), "of another entry");
        for (from, to) in [("index 2", "index 1"), ("tlog-proof@v1", "tlog-proof@v2"), ("\n\n", "\n"), ("index", "x")] {
            assert!(check_proof(&text.replacen(from, to, 1), &key, &entry(2)).is_err(), "{from}");
        }
        let many = text.replacen("\n\n", &format!("\n{}\n", format!("{sibling}\n").repeat(100)), 1);
        assert!(check_proof(&many, &key, &entry(2)).is_err());
        let forged = text.replacen(&sibling.to_string(), &reader.head().root().to_string(), 1);
        assert!(check_proof(&forged, &key, &entry(2)).is_err());
    }

    #[test]
    fn reads_any_range_and_nothing_unproven() {
        let mut log = LogDir::new();
        log.grow(600);
        let reader = Log::open(&log.path(), &log.verifier()).unwrap();
        for range in [0..0, 0..600, 255..257, 300..301, 599..600, 600..600] {
            let mut seen = Vec::new();
            reader.entries(range.clone(), |index, bytes| seen.push((index, bytes.to_vec()))).unwrap();
            assert_eq!(seen, range.map(|index| (index, entry(index))).collect::<Vec<_>>());
        }
        assert!(matches!(reader.entries(0..601, |_, _| ()), Err(LogError::Range { .. })));
        log.flip("tile/entries/001", STRIDE + 9);
        let error = reader.entries(256..257, |_, _| ()).unwrap_err();
        assert_eq!(error.to_string(), "audit log: tile/entries/001: entry 257 does not match its hash in tile/0/001");
        log.flip("tile/0/000", 100);
        assert!(matches!(reader.inclusion(1), Err(LogError::Proof(_))));
    }
}
