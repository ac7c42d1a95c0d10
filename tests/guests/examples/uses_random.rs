//! Asks for random bytes: some, as many as there can be at once, one more, and as many as a number can say.
//! Must be refused at load without a grant for `random`, and get `invalid` for too many.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        log::info!("some: {:?}", random::array::<16>());
        log::info!("again: {:?}", random::array::<16>());
        log::info!("none: {:?}", random::bytes(0));
        log::info!("most: {:?}", random::bytes(4_096).map(|bytes| bytes.len()));
        log::info!("too many: {:?}", random::bytes(4_097));
        log::info!("far too many: {:?}", random::bytes(u32::MAX));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
