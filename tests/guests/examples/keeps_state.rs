//! Counts its calls in a static variable and logs the count.
//! Must log `calls: 1` every time: each call has a fresh instance.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering};

use portcullis_sdk::prelude::*;

static CALLS: AtomicU32 = AtomicU32::new(0);

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        log::info!("calls: {calls}");
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
