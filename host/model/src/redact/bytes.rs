//! The redactor over bytes, which may be cut inside a character.
//!
//! Invariant: bytes that are no UTF-8 stay as they are, where they are, and end whatever number came before them.

use std::{fmt, mem, str};

use super::finder::Finder;

/// Covers the card numbers of bytes that come in pieces (DAT-3).
///
/// What the pushes and [`ByteRedactor::finish`] return is, put together, the same wherever the bytes are cut; of UTF-8 it
/// is what [`super::redact`] makes of the text. A cover takes three bytes, so that the result can be longer than what came:
/// whoever sends it counts its length anew.
#[derive(Default)]
pub struct ByteRedactor {
    finder: Finder,
    /// The begin of a character: at most three bytes.
    partial: Vec<u8>,
}

impl ByteRedactor {
    /// At the start of the bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece, and returns what is certain by now: all but at most [`super::HELD_BYTES`] and the begin of
    /// one character at the end.
    #[must_use = "these are the bytes"]
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut bytes = mem::take(&mut self.partial);
        bytes.extend_from_slice(chunk);
        let (mut text, mut out) = (String::new(), Vec::with_capacity(bytes.len()));
        let mut rest = bytes.len();
        for piece in bytes.utf8_chunks() {
            self.finder.push(piece.valid(), &mut text);
            rest -= piece.valid().len() + piece.invalid().len();
            if rest == 0 && is_begin(piece.invalid()) {
                self.partial = piece.invalid().to_vec();
            } else if !piece.invalid().is_empty() {
                self.finder.end(&mut text);
            }
            out.extend_from_slice(text.as_bytes());
            text.clear();
            if self.partial.is_empty() {
                out.extend_from_slice(piece.invalid());
            }
        }
        out
    }

    /// The rest: the bytes end here.
    #[must_use = "this is the end of the bytes"]
    pub fn finish(mut self) -> Vec<u8> {
        let mut text = String::new();
        self.finder.end(&mut text);
        let mut out = text.into_bytes();
        out.append(&mut self.partial);
        out
    }

    /// How many numbers are covered if the bytes end here: right before [`ByteRedactor::finish`], the count of the whole.
    /// Of numbers that overlap, one counts.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.finder.found()
    }
}

impl fmt::Debug for ByteRedactor {
    /// Without the bytes that are held back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteRedactor").field("found", &self.found()).finish_non_exhaustive()
    }
}

/// Whether more bytes can make a character of it.
fn is_begin(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}
