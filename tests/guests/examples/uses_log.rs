//! Writes one line at each level.
//! Must be refused at load without a grant for `log`.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        log::debug!("debug");
        log::info!("info");
        log::warn!("warn");
        log::error!("error");
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
