//! Answers for passing quickly over bytes in which none of some patterns can be.
//!
//! An automaton looks at each byte. Here four bytes at every fifth place are looked up: a pattern of eight bytes or more covers
//! at least one such place, wherever it lies, so that one of its first five stems of four bytes is found there.
//!
//! Invariants: where a pattern is, in whatever case, it says so; where none is, it may say so too, seldom. It holds no pattern,
//! only which of many numbers come from one.

/// The shortest pattern that can be looked for, in bytes.
pub(crate) const SHORTEST: usize = STEM + STEP - 1;

/// Bytes that are looked up at a place.
const STEM: usize = 4;

/// From one place to the next.
const STEP: usize = 5;

/// Bits for each stem: with two of them set, one place in several thousand is taken for a stem by chance.
const SPARSE: usize = 128;

/// The fewest and the most bits: half a kilobyte, and half a megabyte.
const BITS: (usize, usize) = (1 << 12, 1 << 22);

/// Which stems there are.
#[derive(Clone)]
pub(crate) struct Sieve {
    bits: Vec<u64>,
    mask: usize,
}

impl Sieve {
    /// For these patterns, each of at least [`SHORTEST`] bytes.
    pub(crate) fn new(patterns: &[Vec<u8>]) -> Self {
        let first = patterns.iter().flat_map(|pattern| pattern.windows(STEM).take(STEP));
        let stems: Vec<[u8; STEM]> = first.filter_map(|stem| stem.first_chunk().copied()).collect();
        let wanted = stems.len().saturating_mul(SPARSE).clamp(BITS.0, BITS.1).next_power_of_two();
        let mut sieve = Self { bits: vec![0; wanted / 64], mask: wanted - 1 };
        for place in stems.into_iter().flat_map(|stem| sieve.places(stem)).collect::<Vec<_>>() {
            if let Some(word) = sieve.bits.get_mut(place / 64) {
                *word |= 1 << (place % 64);
            }
        }
        sieve
    }

    /// Whether one of the patterns may be in these bytes.
    pub(crate) fn may_hold(&self, bytes: &[u8]) -> bool {
        let (chunks, rest) = bytes.as_chunks::<STEP>();
        let last = rest.first_chunk::<STEM>();
        let held = |stem: [u8; STEM]| self.places(stem).into_iter().all(|place| self.has(place));
        chunks.iter().any(|&[a, b, c, d, _]| held([a, b, c, d])) || last.is_some_and(|&stem| held(stem))
    }

    fn has(&self, place: usize) -> bool {
        self.bits.get(place / 64).is_some_and(|word| (word >> (place % 64)) & 1 == 1)
    }

    /// The two bits of four bytes. Bytes that differ in case alone have the same.
    fn places(&self, stem: [u8; STEM]) -> [usize; 2] {
        let mixed = u64::from(u32::from_le_bytes(stem) | 0x2020_2020).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        [(mixed >> 42) as usize & self.mask, (mixed >> 20) as usize & self.mask]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns() -> Vec<Vec<u8>> {
        ["xoxb-1234", "Qwertzui", "%3d%2F%20", "bb\u{0}\u{1}bbbb"].map(|text| text.as_bytes().to_vec()).to_vec()
    }

    #[test]
    fn says_so_wherever_a_pattern_lies_in_whatever_case() {
        let sieve = Sieve::new(&patterns());
        for pattern in patterns() {
            for (before, after) in (0..20).flat_map(|before| [(before, 0), (before, 1), (before, 7)]) {
                for own in [pattern.clone(), pattern.to_ascii_lowercase(), pattern.to_ascii_uppercase()] {
                    let hay = [vec![b'.'; before], own, vec![b'.'; after]].concat();
                    assert!(sieve.may_hold(&hay), "{before} {after} {:?}", String::from_utf8_lossy(&hay));
                }
            }
        }
    }

    #[test]
    fn passes_over_nearly_everything_else() {
        let sieve = Sieve::new(&patterns());
        let text = |n: u32| {
            format!(r#"{{"id":{n},"subject":"Printer {n} on fire","hash":"{:08x}"}}"#, n.wrapping_mul(0x9e37_79b9))
        };
        let held = (0..10_000).filter(|n| sieve.may_hold(text(*n).as_bytes())).count();
        assert!(held < 50, "{held} of 10000");
        assert!(!Sieve::new(&[]).may_hold(b"xoxb-1234"));
    }

    #[test]
    fn stays_small() {
        let many: Vec<_> =
            (0..40_000u32).map(|n| format!("{:08x}{n}", n.wrapping_mul(0x9e37_79b9)).into_bytes()).collect();
        let sieve = Sieve::new(&many);
        assert_eq!(sieve.bits.len() * 64, BITS.1);
        assert!(many.iter().all(|one| sieve.may_hold(one)));
    }
}
