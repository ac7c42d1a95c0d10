//! Reads from `kv` in an endless loop.
//! Must be stopped by the limit of host calls or of time: calls into the host are no way around the CPU limit.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        let bucket = kv::open("burn")?;
        let mut calls = 0u64;
        while bucket.get("nothing").is_ok() {
            calls += 1;
        }
        log::info!("stopped after {calls} calls");
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
