//! Entry bundles: each entry behind its length, as two bytes, the higher one first (C2SP tlog-tiles, "Log entries").
//!
//! Invariant: what [`split`] accepts is what [`push`] makes, and nothing more.

use crate::layout::grouped;

/// Appends an entry. False, and nothing appended, where it is longer than 65,535 bytes.
pub(crate) fn push(bundle: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else { return false };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    true
}

/// The first `width` entries, and what is left behind them. `Err` says in words what is wrong.
pub(crate) fn split_first(bytes: &[u8], width: usize) -> Result<(Vec<&[u8]>, &[u8]), String> {
    let mut entries = Vec::with_capacity(width);
    let mut rest = bytes;
    while entries.len() < width {
        if rest.is_empty() {
            return Err(format!("ends after {} of {width} entries", entries.len()));
        }
        let Some((entry, behind)) = next(rest) else {
            return Err(format!("ends inside the entry at position {}, of {width} entries", entries.len()));
        };
        entries.push(entry);
        rest = behind;
    }
    Ok((entries, rest))
}

/// Exactly `width` entries.
pub(crate) fn split(bytes: &[u8], width: usize) -> Result<Vec<&[u8]>, String> {
    match split_first(bytes, width)? {
        (entries, []) => Ok(entries),
        (_, rest) => Err(format!("{} bytes after the last entry", grouped(rest.len() as u64))),
    }
}

fn next(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_what_it_pushed() {
        let mut bytes = Vec::new();
        assert!(push(&mut bytes, b"abc") && push(&mut bytes, b"") && push(&mut bytes, &[7; 65_535]));
        assert!(!push(&mut bytes, &[7; 65_536]));
        assert_eq!(split(&bytes, 3).unwrap(), [&b"abc"[..], b"", &[7; 65_535]]);
        assert_eq!(&bytes[..7], b"\0\x03abc\0\0");
    }

    #[test]
    fn says_what_is_wrong() {
        let bytes = b"\0\x01a\0\x02bc";
        assert_eq!(split(bytes, 1).unwrap_err(), "4 bytes after the last entry");
        assert_eq!(split(bytes, 3).unwrap_err(), "ends after 2 of 3 entries");
        for cut in [4, 5, 6] {
            assert_eq!(split(&bytes[..cut], 2).unwrap_err(), "ends inside the entry at position 1, of 2 entries");
        }
        assert_eq!(split_first(bytes, 1).unwrap(), (vec![&b"a"[..]], &b"\0\x02bc"[..]));
    }
}
