//! Where a reader goes on: a place in the log, bound to the filter that it was read by.
//!
//! Invariant: a cursor of one filter is none of another. It proves nothing else: whoever may read can begin where they like.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::Filter;

const DOMAIN: &[u8] = b"portcullis audit cursor 1\n";
const CHECK: usize = 16;

/// The index of the next entry to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub u64);

/// Why a text is no cursor to go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// It is none, or of another filter.
    #[error(
        "the cursor is not of this filter, or not whole; give it as it was given, with the same filter, or begin anew without one"
    )]
    Other,
}

impl Cursor {
    /// As it is handed out.
    pub fn encode(self, filter: &Filter) -> String {
        let mut bytes = self.0.to_be_bytes().to_vec();
        bytes.extend(self.check(filter));
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads one that was handed out for this filter.
    pub fn decode(text: &str, filter: &Filter) -> Result<Self, CursorError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError::Other)?;
        let (place, check) = bytes.split_first_chunk::<8>().ok_or(CursorError::Other)?;
        let cursor = Self(u64::from_be_bytes(*place));
        if check == cursor.check(filter) { Ok(cursor) } else { Err(CursorError::Other) }
    }

    fn check(self, filter: &Filter) -> [u8; CHECK] {
        let mut hash = Sha256::new_with_prefix(DOMAIN);
        hash.update(self.0.to_be_bytes());
        hash.update(filter.to_string());
        let mut check = [0; CHECK];
        check.copy_from_slice(&hash.finalize()[..CHECK]);
        check
    }
}
