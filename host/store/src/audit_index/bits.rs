//! Which entries of one chunk have a term.
//!
//! Invariant: the bytes of a set are its members as ascending pairs of bytes, or one bit each where that is shorter.

/// Entries a chunk.
pub(super) const CHUNK: u64 = 4_096;
const WORDS: usize = 64;
/// The length of the form with one bit each.
const DENSE: usize = WORDS * 8;

/// A set of places in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bits([u64; WORDS]);

impl Bits {
    pub const NONE: Self = Self([0; WORDS]);

    /// The places from `from` to before `to`.
    pub fn range(from: u64, to: u64) -> Self {
        let below = |place: u64| if place < 64 { (1 << place) - 1 } else { u64::MAX };
        let mut bits = Self::NONE;
        for (start, word) in (0..).step_by(64).zip(&mut bits.0) {
            *word = below(to.saturating_sub(start)) & !below(from.saturating_sub(start));
        }
        bits
    }

    pub fn set(&mut self, place: u64) {
        if let Some(word) = usize::try_from(place / 64).ok().and_then(|n| self.0.get_mut(n)) {
            *word |= 1 << (place % 64);
        }
    }

    /// How many places there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub fn and(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
    }

    pub fn or(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    /// The places, in order.
    pub fn places(&self) -> Vec<u64> {
        let mut places = Vec::new();
        for (start, word) in (0..).step_by(64).zip(self.0) {
            let mut left = word;
            while left != 0 {
                places.push(start + u64::from(left.trailing_zeros()));
                left &= left - 1;
            }
        }
        places
    }

    pub fn encode(&self) -> Vec<u8> {
        let count: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        if count as usize * 2 >= DENSE {
            return self.0.iter().flat_map(|word| word.to_le_bytes()).collect();
        }
        self.places().into_iter().filter_map(|place| u16::try_from(place).ok()).flat_map(u16::to_le_bytes).collect()
    }

    /// None for bytes that no set has.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bits = Self::NONE;
        if bytes.len() == DENSE {
            let (words, _) = bytes.as_chunks::<8>();
            bits.0.iter_mut().zip(words).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
            return Some(bits);
        }
        let (places, []) = bytes.as_chunks::<2>() else { return None };
        for place in places.iter().map(|bytes| u64::from(u16::from_le_bytes(*bytes))) {
            if place >= CHUNK {
                return None;
            }
            bits.set(place);
        }
        Some(bits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_is_read_as_it_was_written(places in prop::collection::btree_set(0..CHUNK, 0..600)) {
            let mut bits = Bits::NONE;
            places.iter().for_each(|place| bits.set(*place));
            prop_assert_eq!(Bits::decode(&bits.encode()), Some(bits));
            prop_assert!(bits.encode().len() <= DENSE);
            prop_assert_eq!(bits.places(), places.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_range_has_its_places_and_no_others() {
        for (from, to) in
            [(0, 0), (0, 1), (0, 64), (63, 65), (64, 128), (100, 4_095), (0, CHUNK), (5, u64::MAX), (9, 3)]
        {
            assert_eq!(Bits::range(from, to).places(), (from..to.min(CHUNK)).collect::<Vec<_>>(), "{from} to {to}");
        }
    }

    #[test]
    fn other_bytes_are_none() {
        assert_eq!(Bits::decode(&[1]), None);
        assert_eq!(Bits::decode(&[0, 16]), None, "4096 is the next chunk's");
    }
}
