//! Texts other than checkpoints that the log's key signs, as C2SP signed notes under names of their own.
//!
//! Invariant: none of them can be taken for a checkpoint or for a view's: the key's name in the signature is another, and it is
//! no tag.

use signed_note::Note;

use crate::key::{KeyError, LogKey, LogVerifier};

/// The most bytes of such a note.
const MAX_BYTES: usize = 1 << 20;

impl LogKey {
    /// Signs a text, which ends with a line's end, as `<origin>/<what>`.
    ///
    /// # Errors
    /// The text cannot be a note: it has control characters, or no last line's end.
    pub fn sign_statement(&self, what: &'static str, text: &str) -> Result<Vec<u8>, KeyError> {
        let wrong = |_| KeyError::Malformed("a text that cannot be signed as a note");
        let mut note = Note::new(text.as_bytes(), &[]).map_err(wrong)?;
        note.add_sigs(&[&self.of_view(what)])
            .map_err(|_| KeyError::Malformed("a text that cannot be signed as a note"))?;
        Ok(note.to_bytes())
    }
}

impl LogVerifier {
    /// The text of a note that was signed so. `None` where it was not, or is longer than 1 MiB.
    pub fn statement(&self, what: &'static str, note: &[u8]) -> Option<String> {
        let parsed = Note::from_bytes(note.get(..MAX_BYTES.min(note.len()))?).ok()?;
        self.of_view(what).check(&parsed).ok()?;
        (parsed.to_bytes() == note).then(|| String::from_utf8(parsed.text().to_vec()).ok())?
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::key;

    #[test]
    fn is_signed_for_one_purpose() {
        let note = key().sign_statement("evidence", "{\n}\n").unwrap();
        let verifier = key().verifier();
        assert_eq!(verifier.statement("evidence", &note).as_deref(), Some("{\n}\n"));
        assert_eq!(verifier.statement("other", &note), None);
        assert!(crate::Checkpoint::open(&note, &verifier).is_err());
        for i in 0..note.len() {
            let mut changed = note.clone();
            changed[i] ^= 1;
            assert_eq!(verifier.statement("evidence", &changed), None, "{i}");
        }
        assert!(key().sign_statement("evidence", "no end").is_err());
    }
}
