//! Loops for ever without a call into the host.
//! Must be stopped by the CPU limit, and must not hold up any other call meanwhile.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use std::hint::black_box;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        let mut turns = 0u64;
        loop {
            turns = black_box(turns.wrapping_add(1));
        }
    }
}

portcullis_sdk::export!(Guest: Events);
