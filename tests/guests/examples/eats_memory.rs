//! Doubles a vector without end.
//! Must trap at the memory limit, and the host's memory must not grow with it.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use std::hint::black_box;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        let mut hoard: Vec<u8> = Vec::new();
        loop {
            let more = hoard.len().max(1024);
            hoard.resize(hoard.len() + more, 0xAB);
            black_box(&hoard);
        }
    }
}

portcullis_sdk::export!(Guest: Events);
