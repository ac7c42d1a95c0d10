//! Takes memory in steps of 64 KiB, one page of WebAssembly, without end, and keeps it all.
//! Must trap at the memory limit: many small steps are no way around it. Logs every 16 steps how far it came.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use std::hint::black_box;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        let mut hoard: Vec<Box<[u8]>> = Vec::new();
        loop {
            hoard.push(vec![0xAB; 64 * 1024].into_boxed_slice());
            black_box(&hoard);
            if hoard.len().is_multiple_of(16) {
                log::info!("holding {} KiB", hoard.len() * 64);
            }
        }
    }
}

portcullis_sdk::export!(Guest: Events);
