//! Calls itself without end.
//! Must trap when the guest's stack is used up; the host's own stack must not notice.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use std::hint::black_box;

/// What happens to the result after the call keeps the optimiser from making a loop of it.
fn deeper(depth: u64) -> u64 {
    if black_box(depth) == 0 {
        return 0;
    }
    black_box(deeper(depth + 1)) + 1
}

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        log::info!("depth {}", deeper(black_box(1)));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
