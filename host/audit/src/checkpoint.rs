//! Checkpoints: the log's origin, size and root, signed by its key (C2SP tlog-checkpoint, signed-note).
//!
//! Invariants: a [`Checkpoint`] exists only where its signature was made or checked here, strictly: one spelling,
//! no extension lines; witnesses' cosignatures may stand beside the log's own and are not judged.

use signed_note::{Note, NoteError};
use tlog_tiles::Hash;

use crate::{
    key::{Keys, LogVerifier},
    layout::MAX_SIZE,
};

/// The most bytes of a checkpoint: room for many cosignatures.
const MAX_BYTES: usize = 1 << 20;

/// Why a checkpoint is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is no C2SP checkpoint, or not in its one spelling.
    #[error("is not a well-formed checkpoint")]
    Malformed,
    /// The key's signature on it is wrong.
    #[error("signature does not verify with key {0}")]
    BadSignature(String),
    /// The key has not signed it.
    #[error("is not signed by key {0}")]
    NotSigned(String),
    /// It is of another log.
    #[error("is of the log '{found}', not of '{expected}'")]
    Origin {
        /// What stands in it.
        found: String,
        /// The key's name.
        expected: String,
    },
}

/// The signed head of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    note: Vec<u8>,
}

impl Checkpoint {
    /// Signs a head, with all of the log's keys.
    pub(crate) fn sign(keys: &Keys, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        let origin = keys.origin().to_owned();
        let text = tlog_tiles::Checkpoint::new(&origin, size, root, "").map_err(|_| CheckpointError::Malformed)?;
        let mut note = Note::new(&text.to_bytes(), &[]).map_err(|_| CheckpointError::Malformed)?;
        note.add_sigs(&keys.signers()).map_err(|_| CheckpointError::Malformed)?;
        Ok(Self { origin, size, root, note: note.to_bytes() })
    }

    /// Reads a signed note and checks it against the log's key.
    pub fn open(note: &[u8], key: &LogVerifier) -> Result<Self, CheckpointError> {
        if note.len() > MAX_BYTES {
            return Err(CheckpointError::Malformed);
        }
        let parsed = Note::from_bytes(note).map_err(|_| CheckpointError::Malformed)?;
        key.check(&parsed).map_err(|error| match error {
            NoteError::InvalidSignature { .. } => CheckpointError::BadSignature(key.to_string()),
            _ => CheckpointError::NotSigned(key.to_string()),
        })?;
        let head = tlog_tiles::Checkpoint::from_bytes(parsed.text()).map_err(|_| CheckpointError::Malformed)?;
        let one_spelling = parsed.to_bytes() == note && head.to_bytes() == parsed.text();
        if !one_spelling || !head.extension().is_empty() || head.size() > MAX_SIZE {
            return Err(CheckpointError::Malformed);
        }
        if head.origin() != key.origin() {
            let (found, expected) = (portcullis_model::audit::plain(head.origin()), key.origin().to_owned());
            return Err(CheckpointError::Origin { found, expected });
        }
        Ok(Self { origin: head.origin().to_owned(), size: head.size(), root: *head.hash(), note: note.to_vec() })
    }

    /// The same, signed by one of these keys.
    ///
    /// # Errors
    /// What is wrong with the first key's signature, where none of them has signed it well.
    pub fn open_any(note: &[u8], keys: &[LogVerifier]) -> Result<Self, CheckpointError> {
        let mut wrong = None;
        for key in keys {
            match Self::open(note, key) {
                Ok(checkpoint) => return Ok(checkpoint),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        Err(wrong.unwrap_or(CheckpointError::Malformed))
    }

    /// Size and root that a note gives, whoever signed it. To find damage, never to believe.
    pub(crate) fn claims(note: &[u8]) -> Option<(u64, Hash)> {
        let note = Note::from_bytes(note.get(..MAX_BYTES.min(note.len()))?).ok()?;
        let head = tlog_tiles::Checkpoint::from_bytes(note.text()).ok()?;
        Some((head.size(), *head.hash()))
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root hash (RFC 6962); printed as base64.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The signed note, byte for byte: what to keep elsewhere.
    pub fn note(&self) -> &[u8] {
        &self.note
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{LogKey, tests::Counter};

    fn signed(text: &str, key: &LogKey) -> Vec<u8> {
        let mut note = Note::new(text.as_bytes(), &[]).unwrap();
        note.add_sigs(&[key]).unwrap();
        note.to_bytes()
    }

    #[test]
    fn reads_what_it_signed_and_refuses_any_other_byte() {
        let key = LogKey::generate(&Counter(1));
        let verifier = key.verifier();
        let checkpoint = Checkpoint::sign(&key.into(), 17, Hash([7; 32])).unwrap();
        assert_eq!(Checkpoint::open(checkpoint.note(), &verifier), Ok(checkpoint.clone()));
        for (i, bit) in (0..checkpoint.note().len()).flat_map(|i| (0..8).map(move |bit| (i, bit))) {
            let mut note = checkpoint.note().to_vec();
            note[i] ^= 1 << bit;
            assert!(Checkpoint::open(&note, &verifier).is_err(), "byte {i}, bit {bit}");
        }
        for cut in 0..checkpoint.note().len() {
            assert!(Checkpoint::open(&checkpoint.note()[..cut], &verifier).is_err(), "{cut}");
        }
    }

    #[test]
    fn refuses_other_spellings_extensions_keys_and_logs() {
        let (key, other) = (LogKey::generate(&Counter(1)), LogKey::generate(&Counter(2)));
        let (origin, root) = (key.origin(), Hash([7; 32]));
        for text in [
            format!("{origin}\n017\n{root}\n"),
            format!("{origin}\n+17\n{root}\n"),
            format!("{origin}\n17\n{root}\nmore\n"),
            format!("{origin}\n17\n\n{root}\n"),
            format!("{origin}\n17\nAAAA\n"),
            format!("{origin}\n17\n"),
            format!("{origin}\n{}\n{root}\n", u64::MAX),
        ] {
            assert_eq!(
                Checkpoint::open(&signed(&text, &key), &key.verifier()),
                Err(CheckpointError::Malformed),
                "{text}"
            );
        }
        let theirs = signed(&format!("{}\n17\n{root}\n", other.origin()), &key);
        assert!(matches!(Checkpoint::open(&theirs, &key.verifier()), Err(CheckpointError::Origin { .. })));
        let theirs = Checkpoint::sign(&other.into(), 17, root).unwrap();
        assert!(matches!(Checkpoint::open(theirs.note(), &key.verifier()), Err(CheckpointError::NotSigned(_))));
    }

    #[test]
    fn a_cosignature_beside_the_logs_own_is_let_pass() {
        let (key, witness) = (LogKey::generate(&Counter(1)), LogKey::generate(&Counter(2)));
        let verifier = key.verifier();
        let mut note = Note::from_bytes(Checkpoint::sign(&key.into(), 0, Hash([7; 32])).unwrap().note()).unwrap();
        note.add_sigs(&[&witness]).unwrap();
        assert!(Checkpoint::open(&note.to_bytes(), &verifier).is_ok());
    }
}
