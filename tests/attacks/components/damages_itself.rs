//! tries: to slip through checks and compiler with damage: 240 times up to four bytes of a right component are changed
//! stands-for: MNT-6, INC-6
//! asks: kv:read
//! limit: cpu-ms=50
//! expect: contained

use crate::component::{Base, Chance};

pub fn make(base: &Base) -> Vec<Vec<u8>> {
    let mut chance = Chance::new(0x5eed_0001);
    let bases = ["asks_in_what_is_no_text", "uses_a_handle_it_gave_back", "allocates_one_place_for_all"];
    let damaged = |number: usize| {
        let mut bytes = base.guest(bases[number % bases.len()]).to_vec();
        for _ in 0..=chance.below(4) {
            // Past the eight bytes that say what it is.
            let at = 8 + chance.below(bytes.len() - 8);
            bytes[at] = u8::try_from(chance.below(256)).unwrap_or_default();
        }
        bytes
    };
    (0..240).map(damaged).collect()
}
