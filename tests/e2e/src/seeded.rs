//! Randomness that can be had again: from a seed that is printed.

use portcullis_cli::system::SystemRng;
use portcullis_model::time::Rng as _;

/// SplitMix64. For choosing moments and places, not for keys.
#[derive(Clone, Copy, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// From the variable `PORTCULLIS_E2E_SEED` where that is set, or a fresh seed. Prints it.
    pub fn announced(what: &str) -> Self {
        let given = std::env::var("PORTCULLIS_E2E_SEED").ok().map(|text| text.parse().unwrap());
        let seed = given.unwrap_or_else(|| {
            let mut bytes = [0u8; 8];
            SystemRng.fill(&mut bytes);
            u64::from_le_bytes(bytes)
        });
        println!("{what}: PORTCULLIS_E2E_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below this one.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
