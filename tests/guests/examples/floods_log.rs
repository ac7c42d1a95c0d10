//! Logs 100,000 lines.
//! Must succeed or reach its limit of calls; what is past the log limit is dropped and counted, and only that.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        for line in 0..100_000 {
            log::info!("line {line} of a flood that nobody wants to read");
        }
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
