//! The randomness of plain tests: other bytes at each call, and the same ones in every run.

use crate::testing::with_host;
use crate::types::WitError;

const MOST: u32 = 4096;

#[derive(Default)]
struct Seen(u64);

impl Seen {
    /// SplitMix64.
    fn next(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 56) as u8
    }
}

pub(super) fn bytes(count: u32) -> Result<Vec<u8>, WitError> {
    if count > MOST {
        return Err(WitError::Invalid(format!("count: at most {MOST}")));
    }
    with_host(|host| {
        host.require("random:read", &[])?;
        host.part(|seen: &mut Seen| Ok((0..count).map(|_| seen.next()).collect()))
    })
}
