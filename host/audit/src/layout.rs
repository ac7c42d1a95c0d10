//! Where the files of a log lie, and how wide each is at a given size (C2SP tlog-tiles, "Merkle Tree", "Log entries").
//!
//! Invariants: a name says level, index and width, so a file never changes once it is written; level `l` of a log of
//! `s` entries has `s >> 8l` hashes, 256 to a tile.

/// Hashes in a full tile, and entries in a full bundle.
pub(crate) const WIDTH: usize = 256;
/// Bytes of a hash.
pub(crate) const HASH: usize = 32;
/// The signed head's file.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The folder of everything else.
pub(crate) const TILES: &str = "tile";
/// The most bytes that a bundle can have.
pub(crate) const MAX_BUNDLE: u64 = WIDTH as u64 * (2 + u16::MAX as u64);
/// More entries than any log will have: the arithmetic stays far from its ends.
pub(crate) const MAX_SIZE: u64 = 1 << 48;

/// How many hashes level `level` has in a log of `size` entries.
pub(crate) fn hashes(size: u64, level: u8) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// The index and width of the partial tile of a level; width 0 where there is none.
pub(crate) fn partial(size: u64, level: u8) -> (u64, usize) {
    let hashes = hashes(size, level);
    (hashes >> 8, (hashes & 255) as usize)
}

/// The levels that a log of `size` entries has.
pub(crate) fn levels(size: u64) -> std::ops::Range<u8> {
    0..(0..8).take_while(|level| hashes(size, *level) > 0).count() as u8
}

/// The name of a hash tile: `tile/<L>/<N>[.p/<W>]`.
pub(crate) fn tile(level: u8, n: u64, width: usize) -> String {
    format!("{TILES}/{level}/{}{}", index(n), suffix(width))
}

/// The name of an entry bundle: `tile/entries/<N>[.p/<W>]`.
pub(crate) fn bundle(n: u64, width: usize) -> String {
    format!("{TILES}/entries/{}{}", index(n), suffix(width))
}

fn suffix(width: usize) -> String {
    if width == WIDTH { String::new() } else { format!(".p/{width}") }
}

fn index(n: u64) -> String {
    let mut text = format!("{:03}", n % 1000);
    let mut rest = n / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    text
}

/// A number for people: `258,304`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_specification() {
        assert_eq!(tile(0, 0, 256), "tile/0/000");
        assert_eq!(tile(2, 1_234_067, 1), "tile/2/x001/x234/067.p/1");
        assert_eq!(bundle(1000, 256), "tile/entries/x001/000");
        assert_eq!(bundle(999, 255), "tile/entries/999.p/255");
    }

    #[test]
    fn widths_are_those_of_the_specification() {
        let of = |size| levels(size).map(|level| partial(size, level)).collect::<Vec<_>>();
        assert_eq!(of(70_000), [(273, 112), (1, 17), (0, 1)]);
        assert_eq!(of(256), [(1, 0), (0, 1)]);
        assert_eq!(of(0), []);
        assert_eq!(of(MAX_SIZE).last(), Some(&(0, 1)));
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 258_304, 1_000_000].map(grouped), ["0", "999", "1,000", "258,304", "1,000,000"]);
    }
}
