//! What a path below `/log/` asks for (C2SP tlog-tiles, "Parameters" and "Merkle Tree").
//!
//! Invariant: one thing, one spelling: no decoding, no leading zeros but those of the form, no empty segments, no width of 0 or 256.

/// A part of the host's log, or of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The view's tag; absent for the host's log.
    pub view: Option<String>,
    /// Which part.
    pub part: Part,
}

/// A part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The newest signed head.
    Checkpoint,
    /// The newest head that witnesses cosigned.
    Cosigned,
    /// What shows how one key followed another.
    KeyChange(u16),
    /// Hashes.
    Tile {
        /// The level.
        level: u8,
        /// The index within the level.
        n: u64,
        /// How many hashes: 1 to 256.
        width: usize,
    },
    /// Entries.
    Entries {
        /// The index of the bundle.
        n: u64,
        /// How many entries: 1 to 256.
        width: usize,
    },
}

/// Longer than any path that is served.
const LONGEST: usize = 120;
/// What a full tile has.
const FULL: usize = 256;
/// The levels of a tree of fewer than 2^63 entries.
const LEVELS: u8 = 8;

impl Asked {
    /// Reads what is behind `/log/`. None for whatever is not exactly a path of this form.
    pub fn parse(path: &str) -> Option<Self> {
        if path.len() > LONGEST {
            return None;
        }
        let Some(rest) = path.strip_prefix("views/") else {
            return Part::parse(path).map(|part| Self { view: None, part });
        };
        let (tag, rest) = rest.split_once('/')?;
        let is_tag = tag.len() == 32 && tag.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let part = Part::parse(rest).filter(|part| !matches!(part, Part::Cosigned | Part::KeyChange(_)))?;
        is_tag.then(|| Self { view: Some(tag.to_owned()), part })
    }

    /// Whether what is asked for says what happened, and not only hashes.
    pub fn is_content(&self) -> bool {
        self.view.is_some() && matches!(self.part, Part::Entries { .. })
    }
}

impl Part {
    fn parse(path: &str) -> Option<Self> {
        match path {
            "checkpoint" => return Some(Self::Checkpoint),
            "cosigned" => return Some(Self::Cosigned),
            _ => {}
        }
        if let Some(name) = path.strip_prefix("keys/") {
            return digits(name.strip_suffix(".json")?)?.try_into().ok().map(Self::KeyChange);
        }
        let (level, place) = path.strip_prefix("tile/")?.split_once('/')?;
        let (index, width) = match place.split_once(".p/") {
            Some((index, width)) => (index, number(width).filter(|width| (1..FULL as u64).contains(width))? as usize),
            None => (place, FULL),
        };
        let n = index_of(index)?;
        match level {
            "entries" => Some(Self::Entries { n, width }),
            level => {
                let level = number(level).filter(|level| *level < u64::from(LEVELS))? as u8;
                Some(Self::Tile { level, n, width })
            }
        }
    }
}

/// A decimal number without leading zeros, of at most three digits.
fn number(text: &str) -> Option<u64> {
    let plain = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok())?
}

/// Exactly three digits.
fn digits(text: &str) -> Option<u64> {
    (text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `x001/x234/067`: three digits a segment, all but the last behind an x, and no x000 in front.
fn index_of(text: &str) -> Option<u64> {
    let (mut n, mut segments) = (0u64, text.split('/').peekable());
    if text.starts_with("x000") {
        return None;
    }
    while let Some(segment) = segments.next() {
        let segment = if segments.peek().is_some() { segment.strip_prefix('x')? } else { segment };
        n = n.checked_mul(1_000)?.checked_add(digits(segment)?)?;
    }
    (n < 1 << 55).then_some(n)
}
