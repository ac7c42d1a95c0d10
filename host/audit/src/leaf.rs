//! A leaf of the host's log: the head of the view that an entry belongs to, with that entry (decision 29).
//!
//! Invariant: one leaf, one text: JSON with sorted keys and no spaces, and what is read is what would be written.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use tlog_tiles::Hash;

/// The most bytes of a leaf, with room for every number.
const LONGEST: usize = 512;

/// The head of a view, as a leaf of the host's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// The leaf's place in the host's log, from 0.
    pub index: u64,
    /// Which view: 32 hexadecimal digits that say nothing about whose it is.
    pub view: String,
    /// How many entries the view has, with this one. The entry's place in the view is one less.
    pub size: u64,
    /// The entry's leaf hash in the view (RFC 6962, section 2.1).
    pub entry: Hash,
    /// The view's root, with this entry.
    pub root: Hash,
}

/// As it stands in the log.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    entry: String,
    index: u64,
    root: String,
    size: u64,
    view: String,
}

impl Leaf {
    /// The bytes that the host's log hashes.
    pub fn encode(&self) -> Vec<u8> {
        let hash = |hash: &Hash| BASE64_STANDARD.encode(hash.0);
        let (entry, root) = (hash(&self.entry), hash(&self.root));
        let text = Text { entry, index: self.index, root, size: self.size, view: self.view.clone() };
        serde_json::to_vec(&text).unwrap_or_default()
    }

    /// Reads a leaf. None for whatever is not exactly as [`encode`](Self::encode) writes it.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let text: Text = serde_json::from_slice(bytes).ok()?;
        let hash = |text: &str| BASE64_STANDARD.decode(text).ok()?.try_into().ok().map(Hash);
        let leaf = Self {
            index: text.index,
            size: text.size,
            entry: hash(&text.entry)?,
            root: hash(&text.root)?,
            view: text.view,
        };
        let tagged = leaf.view.len() == 32 && leaf.view.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (tagged && leaf.size > 0 && leaf.encode() == bytes).then_some(leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf() -> Leaf {
        Leaf { index: 7, view: "0123456789abcdef".repeat(2), size: 3, entry: Hash([1; 32]), root: Hash([2; 32]) }
    }

    #[test]
    fn a_leaf_has_one_text() {
        let bytes = leaf().encode();
        assert_eq!(Leaf::read(&bytes), Some(leaf()));
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with(r#"{"entry":"AQEB"#) && text.contains(r#""index":7"#), "{text}");
        for other in [
            text.replace("{", "{ "),
            text.replace("\"size\":3", "\"size\":0"),
            text.replace("0123", "012G"),
            text.replace("}", ",\"x\":1}"),
            text.replace("AQEB", "AQE="),
            text.replace("\"index\":7", "\"index\":07"),
        ] {
            assert_ne!(other, text);
            assert_eq!(Leaf::read(other.as_bytes()), None, "{other}");
        }
    }
}
